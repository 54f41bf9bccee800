#!/usr/bin/python3
"""A feed and an echo by websockets (Debian's package python3-websockets): WebSocket alone."""

import asyncio
import signal
from urllib.parse import parse_qs, urlsplit

import websockets

from feed import AsyncFeed, address, listening

feed = AsyncFeed()


async def websocket(ws, after, head):
    await ws.send(feed.hello(head))
    while not feed.closed:
        await feed.wait(after, 15)
        for after, text in feed.since(after):
            await ws.send(text)
    await ws.close(1001, "the feed is closed")


async def echo(ws):
    async for text in ws:
        await ws.send("Server received: " + text)


async def handle(ws):
    url = urlsplit(ws.path)
    try:
        if url.path == "/websocket/echo":
            await echo(ws)
        else:
            after, head = feed.cursor(parse_qs(url.query).get("after", [None])[0])
            await websocket(ws, after, head)
    except websockets.ConnectionClosed:
        pass  # the client has left


async def main():
    end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    async with websockets.serve(handle, *address()) as server:
        listening("websockets " + websockets.__version__, *server.sockets[0].getsockname()[:2])
        running = asyncio.create_task(feed.run())
        await end.wait()
        feed.close()
        await running


asyncio.run(main())
