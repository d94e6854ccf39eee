"""Lines of the log through ``wasi:logging``."""

from wit_world.imports import wasi_logging_logging_0_1_0_draft as logging

_LEVELS = (
    (10, logging.Level.TRACE),
    (20, logging.Level.DEBUG),
    (30, logging.Level.INFO),
    (40, logging.Level.WARN),
    (50, logging.Level.ERROR),
)


def line(level: int, context: str, message: str) -> None:
    said = next((said for below, said in _LEVELS if level < below), logging.Level.CRITICAL)
    logging.log(said, _sendable(context), _sendable(message))


def _sendable(text: str) -> str:
    return text.encode(errors="replace").decode()
