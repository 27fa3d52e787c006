"""What a stranger at the other end may do to a call: nothing but fail it, within bounds, by name."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from outcry_services.common.errors import ConfigError
from outcry_services.wallet.nodes.errors import NodeAnswerError, NodeRefusedError, NodeSilentError
from outcry_services.wallet.nodes.rpc import Credentials, Endpoint, JsonRpc, Outcome, Scheme

KEY = "k3y-of-a-provider"


@asynccontextmanager
async def stranger(answer):
    """An HTTP server with one handler; gives its URL, with a key in it."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    # Who asks may be gone: nobody waits for what is still being answered then.
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/{KEY}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def calls_to(url, **options):
    rpc = JsonRpc(Endpoint(name="n", url=url, credentials=options.pop("credentials", None)), **options)
    try:
        yield rpc
    finally:
        await rpc.close()


def says(text, *, status=200, headers=None):
    async def answer(_request):
        return web.Response(text=text, status=status, headers=headers)

    return answer


async def failure(answer, error, **options):
    async with stranger(answer) as url, calls_to(url, **({"timeout": 30} | options)) as rpc:
        with pytest.raises(error) as caught:
            await rpc.call("getblockcount")
    assert KEY not in str(caught.value) + repr(caught.value.__cause__) + repr(rpc.__dict__["_endpoint"])
    return str(caught.value)


async def test_a_result_is_given_and_counted():
    seen = []

    async def answer(request):
        asked = await request.json()
        return web.json_response({"id": asked["id"], "result": [asked["method"], asked["params"]]})

    async with stranger(answer) as url, calls_to(url, timeout=30, observe=lambda o, _: seen.append(o)) as rpc:
        assert (await rpc.call("m", 1, "x")).value == ["m", [1, "x"]]
    assert seen == [Outcome.ANSWERED]


@pytest.mark.parametrize(
    "body",
    ["", "no", "[]", "1", '{"id": 1}', '{"id": 2, "result": 1}', '{"id": 1, "result": NaN}', "[" * 100_000],
)
async def test_an_answer_that_makes_no_sense_is_called_so(body):
    assert "n" in await failure(says(body), NodeAnswerError)


async def test_amounts_keep_every_digit():
    body = '{"id": 1, "result": 0.10000000000000000001}'
    async with stranger(says(body)) as url, calls_to(url, timeout=30) as rpc:
        assert str((await rpc.call("m")).value) == "0.10000000000000000001"


async def test_an_endless_answer_is_cut_off():
    async def answer(request):
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b" " * 65536)
        except ConnectionError:
            return response

    assert "more than 1048576 bytes" in await failure(answer, NodeAnswerError, most_bytes=2**20)


async def test_a_hung_node_is_given_up_and_counted():
    seen, asked = [], asyncio.Event()

    async def answer(_request):
        asked.set()
        await asyncio.Event().wait()

    observe = lambda outcome, _: seen.append(outcome)  # noqa: E731
    assert "no answer to getblockcount" in await failure(
        answer, NodeSilentError, timeout=0.2, observe=observe
    )
    assert asked.is_set()
    assert seen == [Outcome.SILENT]


async def test_a_call_that_its_caller_gives_up_is_counted_as_abandoned():
    seen, asked = [], asyncio.Event()

    async def answer(_request):
        asked.set()
        await asyncio.Event().wait()

    async with stranger(answer) as url, calls_to(url, timeout=60, observe=lambda o, _: seen.append(o)) as rpc:
        task = asyncio.create_task(rpc.call("m"))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert seen == [Outcome.ABANDONED]


async def test_nobody_listening_is_silence_and_its_url_is_told_to_nobody():
    async with stranger(says("")) as url:
        pass
    async with calls_to(url, timeout=30) as rpc:
        with pytest.raises(NodeSilentError) as caught:
            await rpc.call("m")
    assert KEY not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


async def test_a_redirect_is_not_followed():
    followed = []

    async def answer(request):
        if request.path.endswith("elsewhere"):
            followed.append(request.path)
        raise web.HTTPTemporaryRedirect("/elsewhere")

    await failure(answer, NodeAnswerError)
    assert followed == []


async def test_a_refusal_carries_its_code_under_any_status_and_its_text_cut_short():
    body = json.dumps({"id": 1, "error": {"code": -5, "message": "gone\x1b[2J" + "x" * 10_000}})
    said = await failure(says(body, status=500), NodeRefusedError)
    assert "(-5)" in said
    assert "\x1b" not in said
    assert len(said) < 300


async def test_an_error_without_a_code_makes_no_sense():
    await failure(says('{"id": 1, "error": "no"}'), NodeAnswerError)


@pytest.mark.parametrize(
    ("scheme", "sent"), [(Scheme.BASIC, "Basic dTpuZXc="), (Scheme.BEARER, "Bearer u:new")]
)
async def test_a_changed_secret_is_read_again_when_the_old_one_is_refused(tmp_path, scheme, sent):
    file, heard = tmp_path / "secret", []
    file.write_text("u:old\n")

    async def answer(request):
        heard.append(request.headers["Authorization"])
        if heard[-1] != sent:
            file.write_text("u:new\n")
            return web.Response(status=401)
        return web.json_response({"id": 1, "result": 7})

    credentials = Credentials(file=file, scheme=scheme)
    async with stranger(answer) as url, calls_to(url, timeout=30, credentials=credentials) as rpc:
        assert (await rpc.call("m")).value == 7
    assert len(heard) == 2
    assert heard[-1] == sent


async def test_a_secret_that_stays_refused_fails_the_call_and_shows_nowhere(tmp_path):
    file = tmp_path / "secret"
    file.write_text("u:pa55word")
    credentials = Credentials(file=file)
    said = await failure(says("", status=401), NodeAnswerError, credentials=credentials)
    assert "401" in said
    assert "pa55word" not in said
    assert "pa55word" not in repr(credentials)


async def test_a_missing_secret_names_its_file(tmp_path):
    with pytest.raises(ConfigError, match="gone can't be read"):
        Credentials(file=tmp_path / "gone").header()
