def answer(row):
    return {"output": row["question"], "passages": ["Within 30 days."]}
