"""A saved model over HTTP, with the requests of MLflow's server and answers that name classes."""

from __future__ import annotations

import io
import json
import socket
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from imbench.api.serving.served import ServedModel
from imbench.errors import DataError, ImbenchError

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

HOST = "127.0.0.1"
HOW = 'send JSON such as {"dataframe_records": [{"age": 31, "city": "Ulm"}]}, or text/csv'


def app(model: ServedModel) -> Starlette:
    """Return an application that answers for a model.

    ``GET /ping`` says that it is there, ``GET /card`` what it is. ``POST /invocations`` takes JSON
    with ``dataframe_records`` or ``dataframe_split``, or CSV, and answers
    ``{"predictions": [{"label": ..., "p_CLASS": ...}, ...]}``, with ``"notices": [SENTENCE, ...]``
    where categories were not fitted; a request that cannot be answered gets 400 and
    ``{"error": SENTENCE}``.

    Parameters
    ----------
    model : ServedModel

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> import numpy as np
    >>> from imbench.api.schema import Schema
    >>> from imbench.api.serving.served import Served
    >>> served = Served(LogisticRegression().fit([[0.0], [1.0]], [0, 1]))
    >>> names = ["no", "yes"]
    >>> model = ServedModel(Schema.of_array(1, names), served, np.array(names), {})
    >>> [route.path for route in app(model).routes]
    ['/ping', '/card', '/invocations']
    """
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import JSONResponse
    from starlette.responses import Response as Answer
    from starlette.routing import Route

    async def ping(request: Request) -> Response:
        return Answer("\n", media_type="application/json")

    async def card(request: Request) -> Response:
        return JSONResponse(dict(model.card))

    async def invocations(request: Request) -> Response:
        body, kind = await request.body(), request.headers.get("content-type", "")
        try:
            answers, notices = await run_in_threadpool(
                lambda: model.answers_and_notices(rows_of(body, kind, model))
            )
        except ImbenchError as error:
            return JSONResponse({"error": " ".join(str(error).splitlines())}, 400)
        told: dict[str, Any] = {"predictions": answers.to_dict("records")}
        if notices:
            told["notices"] = notices
        return Answer(json.dumps(told), media_type="application/json")

    return Starlette(
        routes=[
            Route("/ping", ping),
            Route("/card", card),
            Route("/invocations", invocations, methods=["POST"]),
        ]
    )


def rows_of(body: bytes, kind: str, model: ServedModel) -> pd.DataFrame:
    """Return the rows of a request.

    Parameters
    ----------
    body : bytes
    kind : str
        Content type.
    model : ServedModel

    Raises
    ------
    DataError
        If they cannot be read.
    """
    is_csv = kind.startswith("text/csv")
    try:
        if is_csv:
            return pd.read_csv(io.BytesIO(body), dtype=str, keep_default_na=False)
        return _frame(json.loads(body), model.schema.names)
    except (ValueError, TypeError, KeyError) as error:  # pandas' ParserError is a ValueError
        what = "CSV" if is_csv else "JSON with rows"
        reason = str(error).splitlines()[0].strip().rstrip(".") if str(error) else "no text"
        raise DataError(f"the request is no {what} ({reason}): {HOW}.") from error


def _frame(found: Any, wanted: Sequence[str] = ()) -> pd.DataFrame:
    """Return the rows of a request in JSON; `wanted` are the columns that each record needs.

    Raises
    ------
    ValueError, TypeError, KeyError
        If there are none.
    DataError
        If a record lacks a column that another one has.

    Examples
    --------
    >>> _frame({"dataframe_split": {"columns": ["age"], "data": [[31], [44]]}})["age"].tolist()
    [31, 44]
    """
    if not isinstance(found, Mapping):
        raise ValueError("it is no object")
    if "dataframe_records" in found:
        records = found["dataframe_records"]
        if not isinstance(records, list) or not all(isinstance(row, Mapping) for row in records):
            raise ValueError("dataframe_records is no list of objects")
        _check_records(records, wanted)
        return pd.DataFrame.from_records(records)
    if "dataframe_split" in found:
        split = found["dataframe_split"]
        return pd.DataFrame(split["data"], columns=split["columns"])
    raise ValueError("it has neither dataframe_records nor dataframe_split")


def _check_records(records: Sequence[Mapping[str, Any]], wanted: Sequence[str]) -> None:
    """Raise DataError for a record without a column that others have: no value is made up.

    A column that none has is named by the schema, with what was meant.

    Examples
    --------
    >>> _check_records([{"age": 3, "pay": 1}, {"age": None}], ["age", "pay"])
    Traceback (most recent call last):
    imbench.errors.DataError: record 2 has no 'pay', as other records have: give it, as null if \
nothing is known.
    """
    known = [name for name in wanted if any(name in row for row in records)]
    for i, row in enumerate(records, start=1):
        if len(row) >= len(known) and all(map(row.__contains__, known)):
            continue
        absent = [repr(name) for name in known if name not in row]
        raise DataError(
            f"record {i} has no {', '.join(absent)}, as other records have: give "
            f"{'it' if len(absent) == 1 else 'them'}, as null if nothing is known."
        )


def bound(port: int) -> socket.socket:
    """Return a socket at a port of this machine, at any free one for 0.

    Raises
    ------
    ImbenchError
        If the port is taken or is none.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise ImbenchError(
            f"--port={port}: cannot be used ({reason}); --port=0 takes a free one."
        ) from error
    return listener


def serve(model: ServedModel, listener: socket.socket) -> None:
    """Answer requests at a socket until the process is interrupted."""
    import uvicorn

    config = uvicorn.Config(app(model), log_level="warning", lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])
