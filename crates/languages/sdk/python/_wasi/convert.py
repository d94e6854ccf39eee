"""The contract's records as the SDK's, and back."""

from componentize_py_types import Err
from wit_world.imports import airssys_component_types_0_1_0 as types

from .. import errors
from ..message import Context, Input, Output

_KINDS = {
    errors.InvalidInput.kind: (types.ErrorKind.INVALID_INPUT, errors.InvalidInput),
    errors.InvalidConfig.kind: (types.ErrorKind.INVALID_CONFIG, errors.InvalidConfig),
    errors.Denied.kind: (types.ErrorKind.DENIED, errors.Denied),
    errors.Unavailable.kind: (types.ErrorKind.UNAVAILABLE, errors.Unavailable),
    errors.Failed.kind: (types.ErrorKind.FAILED, errors.Failed),
}
_CLASSES = {kind: cls for kind, cls in _KINDS.values()}


def to_input(given: types.Input) -> Input:
    return Input(given.body, given.content_type, given.metadata)


def from_input(input: Input) -> types.Input:
    return types.Input(input.body, input.content_type, list(input.metadata))


def to_output(given: types.Output) -> Output:
    return Output(given.body, given.content_type, given.metadata)


def from_output(output: Output) -> types.Output:
    """Made sure of: what is not of the contract's types would end the instance instead of the call."""
    kind = None if output.content_type is None else str(output.content_type)
    return types.Output(bytes(output.body), kind, [(str(name), str(value)) for name, value in output.metadata])


def to_context(given: types.Context) -> Context:
    return Context(given.request_id, given.trace_parent, given.deadline_ns, given.caller, given.attempt)


def to_error(given: types.Error) -> errors.ComponentError:
    return _CLASSES[given.kind](given.message)


def from_error(error: errors.ComponentError) -> Err:
    kind, _ = _KINDS[error.kind]
    return Err(types.Error(kind, sendable(error.message)))


def sendable(text: str) -> str:
    """A text that can be encoded: Python's may hold halves of characters."""
    return text.encode(errors="replace").decode()
