#!/usr/bin/python3
"""Reads the feed with websockets (Debian's package python3-websockets): WebSocket alone."""

import asyncio
import json
import sys

import websockets

from cursor import arguments


async def websocket(url, cursor):
    url = url.replace("http", "ws", 1)
    async with websockets.connect(url + cursor.query()) as ws:  # which pings every 20 s
        async for text in ws:
            cursor.take(json.loads(text))
    raise ConnectionError(f"the server closed with {ws.close_code}")


async def main():
    read, url, cursor = arguments(websocket)
    while True:
        try:
            await read(url, cursor)
        except websockets.InvalidStatusCode as err:
            if 400 <= err.status_code < 500:
                sys.exit(str(err))
            await asyncio.sleep(cursor.pause(err))
        except (OSError, websockets.WebSocketException) as err:
            await asyncio.sleep(cursor.pause(err))


try:
    asyncio.run(main())
except KeyboardInterrupt:
    pass
