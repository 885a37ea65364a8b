# Green if it is known what the change affects, and no eval that ran failed. An eval that is not affected is skipped.
if [ "$CHANGES" != success ]; then
  echo "It is not known what the change affects: $CHANGES"
  exit 1
fi
for result in $RESULTS; do
  case "$result" in
    success | skipped) ;;
    *)
      echo "An eval ended with: $result"
      exit 1
      ;;
  esac
done
