#!/usr/bin/python3
"""Reads the feed with aiohttp (Debian's package python3-aiohttp): all four transports."""

import asyncio
import json
import sys

import aiohttp

from cursor import arguments
from events import Events

EVERY = 0.5  # seconds between two polls


async def polling(session, url, cursor):
    while True:
        if not await ask(session, url, cursor):
            await asyncio.sleep(EVERY)


async def longpoll(session, url, cursor):
    while True:
        await ask(session, url, cursor)


async def ask(session, url, cursor):
    async with session.get(url + cursor.query()) as response:
        if response.status == 200:
            return cursor.answer(await response.text())
    return False  # 204: nothing new


async def sse(session, url, cursor):
    events = Events()
    async with session.get(url, headers=cursor.header()) as stream:
        async for line in stream.content:
            event = events.line(line.decode().rstrip("\r\n"))
            if events.last_id:
                cursor.stands(*events.last_id.split("-"))
            if event and event[0] in ("message", "gap"):
                cursor.take(json.loads(event[1]))
    raise ConnectionError("the stream has ended")


async def websocket(session, url, cursor):
    async with session.ws_connect(url + cursor.query(), heartbeat=15) as ws:
        async for frame in ws:
            cursor.take(frame.json())
    raise ConnectionError(f"the server closed with {ws.close_code}")


async def main():
    read, url, cursor = arguments(polling, longpoll, sse, websocket)
    timeout = aiohttp.ClientTimeout(total=None, sock_read=70)
    async with aiohttp.ClientSession(timeout=timeout, raise_for_status=True) as session:
        while True:
            try:
                await read(session, url, cursor)
            except aiohttp.ClientResponseError as err:
                if 400 <= err.status < 500:
                    sys.exit(str(err))
                await asyncio.sleep(cursor.pause(err))
            except (aiohttp.ClientError, OSError) as err:
                await asyncio.sleep(cursor.pause(err))


try:
    asyncio.run(main())
except KeyboardInterrupt:
    pass
