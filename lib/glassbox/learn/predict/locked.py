"""Answers that were committed to: in the record, and in memory where there is no record."""

from glassbox.arguments import bad_value
from glassbox.learn import progress
from glassbox.learn.predict.question import Answer, Question

_asked: dict[str, Question] = {}
_answers: dict[str, Answer] = {}


def remember(question: Question) -> None:
    """Keep a question, so that its answer and its reveal can be checked against it."""
    _asked[question.id] = question


def asked(id: str) -> Question:
    """Return the question of that id.

    Raises: ValueError if it was not asked in this session.
    """
    if id not in _asked:
        raise bad_value("id", "a prediction that was asked: run the cell with predict(...) first", id)
    return _asked[id]


def locked(question: Question) -> Answer | None:
    """Return the answer that the learner committed to, from this session or an earlier one."""
    if progress.in_batch():
        return None
    if question.id not in _answers:
        for event in progress.events("prediction", question.id):
            if event.payload.get("question") == question.ask:  # a reworded question is a new one
                _answers[question.id] = Answer(event.payload["answer"], event.payload["confidence"])
                break
    return _answers.get(question.id)


def lock(question: Question, answer: Answer) -> None:
    """Commit to an answer."""
    _answers[question.id] = answer
    payload = {"question": question.ask, "answer": answer.value, "confidence": answer.confidence}
    progress.log("prediction", question.id, payload)


def forget() -> None:
    """Drop what this session holds in memory; the record stays."""
    _asked.clear()
    _answers.clear()
