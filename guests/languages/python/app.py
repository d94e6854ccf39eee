"""The conformance guest: one operation a call, named by the metadata `op`."""

import json
import logging
from typing import Any, Callable, Dict

import airssys
from airssys import config as host_config
from airssys import http, keyvalue
from airssys.log import TRACE

LEVELS = {
    "trace": TRACE,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}

ERRORS = {
    cls.kind: cls
    for cls in (airssys.InvalidInput, airssys.InvalidConfig, airssys.Denied, airssys.Unavailable, airssys.Failed)
}

COLOURS = ("red", "green", "blue")


@airssys.component
class Conformance(airssys.Component):
    def __init__(self, config: Dict[str, Any]) -> None:
        colour = config.get("colour")
        if colour is not None and colour not in COLOURS:
            raise airssys.InvalidConfig(f"no colour called {colour}")
        self.config = config
        self.count = 0
        self.restored_by = ""

    def handle(self, input: airssys.Input, context: airssys.Context) -> airssys.Answer:
        op = input.get("op") or ""
        if op == "context":
            return self.context(context)
        answer = self.operations().get(op)
        if answer is None:
            raise airssys.InvalidInput(f"no operation called {op}")
        return answer(input)

    def save(self) -> bytes:
        return str(self.count).encode()

    def restore(self, saved: bytes, saved_by: str) -> None:
        self.count = int(saved or b"0")
        self.restored_by = saved_by

    def operations(self) -> Dict[str, Callable[[airssys.Input], airssys.Answer]]:
        return {
            "echo": echo,
            "length": lambda input: str(len(input.body)),
            "upper": upper,
            "fill": fill,
            "sum": lambda input: str(sum(input.json())),
            "error": error,
            "crash": crash,
            "log": log,
            "config": lambda input: airssys.Output(json.dumps(self.config, sort_keys=True).encode(), "application/json"),
            "env": env,
            "kv-set": kv_set,
            "kv-get": kv_get,
            "kv-delete": kv_delete,
            "kv-increment": kv_increment,
            "kv-list": kv_list,
            "http": send,
            "count": self.counted,
            "allocate": allocate,
            "spin": spin,
            "restored-by": lambda input: self.restored_by,
        }

    def context(self, context: airssys.Context) -> Dict[str, Any]:
        return {
            "request_id": context.request_id,
            "trace_parent": context.trace_parent,
            "deadline_ns": context.deadline_ns,
            "caller": context.caller,
            "attempt": context.attempt,
        }

    def counted(self, input: airssys.Input) -> str:
        self.count += 1
        return str(self.count)


def echo(input: airssys.Input) -> airssys.Output:
    rest = [(name, value) for name, value in input.metadata if name.lower() != "op"]
    return airssys.Output(input.body, input.content_type, rest)


def upper(input: airssys.Input) -> str:
    try:
        return input.body.decode().upper()
    except UnicodeDecodeError:
        raise airssys.InvalidInput("not UTF-8") from None


def fill(input: airssys.Input) -> bytes:
    count = int(input.text())
    pattern = bytes(range(251))
    return (pattern * (count // 251 + 1))[:count]


def error(input: airssys.Input) -> airssys.Answer:
    kind = input.text()
    raise ERRORS[kind](f"as asked: {kind}")


def crash(input: airssys.Input) -> airssys.Answer:
    raise RuntimeError("crashed as asked")


def log(input: airssys.Input) -> str:
    level, _, text = input.text().partition(" ")
    logging.getLogger("conformance").log(LEVELS[level], "%s", text)
    return "logged"


def env(input: airssys.Input) -> str:
    value = host_config.get(input.text())
    if value is None:
        raise airssys.InvalidInput("not set")
    return value


def kv_set(input: airssys.Input) -> str:
    bucket, key, value = input.text().split(" ", 2)
    keyvalue.open(bucket).set(key, value.encode())
    return "set"


def kv_get(input: airssys.Input) -> bytes:
    bucket, key = input.text().split(" ", 1)
    value = keyvalue.open(bucket).get(key)
    if value is None:
        raise airssys.InvalidInput("no such key")
    return value


def kv_delete(input: airssys.Input) -> str:
    bucket, key = input.text().split(" ", 1)
    keyvalue.open(bucket).delete(key)
    return "deleted"


def kv_increment(input: airssys.Input) -> str:
    bucket, key, delta = input.text().split(" ")
    return str(keyvalue.open(bucket).increment(key, int(delta)))


def kv_list(input: airssys.Input) -> str:
    return "\n".join(sorted(keyvalue.open(input.text()).keys()))


def send(input: airssys.Input) -> bytes:
    method, url, *body = input.text().split(" ", 2)
    response = http.request(method, url, body="".join(body))
    return str(response.status).encode() + b" " + response.body


def allocate(input: airssys.Input) -> str:
    pages = bytearray(int(input.text()) << 20)
    pages[::4096] = b"\x01" * len(pages[::4096])
    return "ok"


def spin(input: airssys.Input) -> airssys.Answer:
    while True:
        pass
