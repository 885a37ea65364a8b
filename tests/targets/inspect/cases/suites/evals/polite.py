def is_polite(output, context):
    return {"pass": "damn" not in output, "score": 1, "reason": context["vars"]["topic"]}
