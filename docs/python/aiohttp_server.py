#!/usr/bin/python3
"""A feed and an echo by aiohttp (Debian's package python3-aiohttp): all four transports."""

import asyncio
import signal

import aiohttp
from aiohttp import web

from feed import FIELDS, AsyncFeed, address, listening

feed = AsyncFeed()


def cursor(request):
    try:
        return feed.cursor(request.headers.get("Last-Event-ID") or request.query.get("after"))
    except ValueError as err:
        raise web.HTTPBadRequest(text=str(err))


def answer(request, after):
    status, headers, body = feed.answer(after, "after" in request.query)
    kind = "application/json" if body else None
    return web.Response(status=status, headers=headers, body=body.encode(), content_type=kind)


async def polling(request):
    after, _ = cursor(request)
    return answer(request, after)


async def longpoll(request):
    after, _ = cursor(request)
    await feed.wait(after, 25)
    return answer(request, after)


async def sse(request):
    after, head = cursor(request)
    headers = {**FIELDS, "Content-Type": "text/event-stream"}
    stream = web.StreamResponse(headers=headers)
    await stream.prepare(request)
    try:
        await stream.write(feed.first(after, head).encode())
        while not feed.closed:
            await feed.wait(after, 15)
            events, after = feed.events(after)
            await stream.write(events.encode() or b":\n\n")
    except ConnectionResetError:
        pass  # the client has left
    return stream


async def websocket(request):
    after, head = cursor(request)
    ws = web.WebSocketResponse(heartbeat=15)
    await ws.prepare(request)
    following = asyncio.create_task(follow(ws, after, head))
    async for _ in ws:  # who does not read sees neither pongs nor that the client has left
        pass
    if not feed.closed:
        following.cancel()
    await asyncio.wait([following])
    return ws


async def follow(ws, after, head):
    try:
        await ws.send_str(feed.hello(head))
        while not feed.closed:
            await feed.wait(after, 15)
            for after, text in feed.since(after):
                await ws.send_str(text)
        await ws.close(code=1001, message=b"the feed is closed")
    except ConnectionResetError:
        pass  # the client has left


async def echo(request):
    return web.Response(text="Server received: " + await request.text())


async def websocket_echo(request):
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for message in ws:
        await ws.send_str("Server received: " + message.data)
    return ws


async def main():
    end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    app = web.Application()
    for handler in (polling, longpoll, sse, websocket):
        app.router.add_get("/" + handler.__name__, handler)
    app.router.add_post("/echo", echo)
    app.router.add_get("/websocket/echo", websocket_echo)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, *address(), shutdown_timeout=1).start()
    listening("aiohttp " + aiohttp.__version__, *runner.addresses[0][:2])
    running = asyncio.create_task(feed.run())
    await end.wait()
    feed.close()
    await running
    await runner.cleanup()


asyncio.run(main())
