#!/usr/bin/python3
"""Reads the feed with Tornado (Debian's package python3-tornado): all four transports."""

import asyncio
import json
import signal
import sys

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketError, websocket_connect

from cursor import arguments
from events import Events

EVERY = 0.5  # seconds between two polls


async def polling(url, cursor):
    while True:
        if not await ask(url, cursor):
            await asyncio.sleep(EVERY)


async def longpoll(url, cursor):
    while True:
        await ask(url, cursor)


async def ask(url, cursor):
    response = await AsyncHTTPClient().fetch(url + cursor.query(), request_timeout=70)
    if response.code == 200:
        return cursor.answer(response.body)
    return False  # 204: nothing new


async def sse(url, cursor):
    events, rest = Events(), b""

    def take(chunk):  # which may end in the middle of a line
        nonlocal rest
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            event = events.line(line.decode())
            if events.last_id:
                cursor.stands(*events.last_id.split("-"))
            if event and event[0] in ("message", "gap"):
                cursor.take(json.loads(event[1]))

    request = HTTPRequest(url, headers=cursor.header(), streaming_callback=take, request_timeout=0)
    await AsyncHTTPClient().fetch(request)
    raise ConnectionError("the stream has ended")


async def websocket(url, cursor):
    url = url.replace("http", "ws", 1)
    ws = await websocket_connect(url + cursor.query(), ping_interval=15)
    while (text := await ws.read_message()) is not None:
        cursor.take(json.loads(text))
    raise ConnectionError(f"the server closed with {ws.close_code}")


async def main():
    read, url, cursor = arguments(polling, longpoll, sse, websocket)
    while True:
        try:
            await read(url, cursor)
        except HTTPClientError as err:
            if 400 <= err.code < 500:
                sys.exit(f"{err}: {err.response.body.decode()}")
            await asyncio.sleep(cursor.pause(err))
        except (OSError, WebSocketError) as err:
            await asyncio.sleep(cursor.pause(err))


signal.signal(signal.SIGINT, signal.SIG_DFL)  # or Tornado reports what Ctrl-C interrupts
asyncio.run(main())
