#!/usr/bin/python3
"""Sends a text over a WebSocket, and prints the first frame that has it: by
http://host:port/websocket/echo the echo, by http://host:port/websocket the message."""

import asyncio
import sys

import websockets


async def main(url, text):
    async with websockets.connect(url.replace("http", "ws", 1)) as ws:
        await ws.send(text)
        async for frame in ws:
            if text in frame:
                print(frame)
                return


asyncio.run(main(*sys.argv[1:]))
