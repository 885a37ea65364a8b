"""Rules of the area finetune."""
