def is_polite(output, context):
    return "damn" not in output
