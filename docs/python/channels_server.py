#!/usr/bin/python3
"""A feed and an echo by Django Channels under daphne (Debian's packages
python3-django-channels and daphne): all four transports."""

import asyncio
import signal
from urllib.parse import parse_qs

import channels
import daphne
import django
from django.conf import settings

settings.configure(ALLOWED_HOSTS=["*"], SECRET_KEY="of no use here")
django.setup()

from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from daphne.server import Server
from django.urls import path

from feed import FIELDS, AsyncFeed, address, listening

feed = AsyncFeed()


def query(scope):
    return parse_qs(scope["query_string"].decode()).get("after", [None])[0]


class Polling(AsyncHttpConsumer):
    async def handle(self, body):
        try:
            after, _ = feed.cursor(query(self.scope))
            await self.answer(after)
        except ValueError as err:
            await self.send_response(400, str(err).encode())

    async def answer(self, after):
        status, headers, body = feed.answer(after, query(self.scope) is not None)
        fields = [(name.encode(), value.encode()) for name, value in headers.items()]
        if body:
            fields.append((b"Content-Length", str(len(body.encode())).encode()))
            fields.append((b"Content-Type", b"application/json"))
        await self.send_response(status, body.encode(), headers=fields)


class LongPoll(Polling):
    async def answer(self, after):
        await feed.wait(after, 25)
        await super().answer(after)


class SSE(AsyncHttpConsumer):
    async def http_request(self, message):
        # While handle() runs, a consumer is not told that its client has left, and ten
        # seconds later daphne kills it. So the stream is a task of its own.
        self.streaming = asyncio.create_task(self.stream())

    async def disconnect(self):
        self.streaming.cancel()

    async def stream(self):
        last = dict(self.scope["headers"]).get(b"last-event-id")
        try:
            after, head = feed.cursor(last.decode() if last else query(self.scope))
        except ValueError as err:
            return await self.send_response(400, str(err).encode())
        headers = [(name.encode(), value.encode()) for name, value in FIELDS.items()]
        headers.append((b"Content-Type", b"text/event-stream"))
        await self.send_headers(headers=headers)
        await self.send_body(feed.first(after, head).encode(), more_body=True)
        while not feed.closed:
            await feed.wait(after, 15)
            events, after = feed.events(after)
            await self.send_body(events.encode() or b":\n\n", more_body=True)
        await self.send_body(b"")


class WebSocket(AsyncWebsocketConsumer):
    async def connect(self):
        after, head = feed.cursor(query(self.scope))
        await self.accept()
        self.following = asyncio.create_task(self.follow(after, head))

    async def follow(self, after, head):
        await self.send(feed.hello(head))
        while not feed.closed:
            await feed.wait(after, 15)
            for after, text in feed.since(after):
                await self.send(text)
        await self.close(1000)  # 1001, "going away", it refuses: "invalid close code 1001"

    async def disconnect(self, code):
        self.following.cancel()


class Echo(AsyncHttpConsumer):
    async def handle(self, body):
        headers = [(b"Content-Type", b"text/plain; charset=utf-8")]
        await self.send_response(200, b"Server received: " + body, headers=headers)


class WebSocketEcho(AsyncWebsocketConsumer):
    async def receive(self, text_data):
        await self.send("Server received: " + text_data)


http = URLRouter(
    [
        path("polling", Polling.as_asgi()),
        path("longpoll", LongPoll.as_asgi()),
        path("sse", SSE.as_asgi()),
        path("echo", Echo.as_asgi()),
    ]
)
websocket = URLRouter(
    [path("websocket", WebSocket.as_asgi()), path("websocket/echo", WebSocketEcho.as_asgi())]
)
host, port = address()
server = Server(
    ProtocolTypeRouter({"http": http, "websocket": websocket}),
    endpoints=[f"tcp:port={port}:interface={host}"],
    signal_handlers=False,  # daphne's would cut the streams off instead of ending them
)


async def end():
    feed.close()
    await asyncio.sleep(0.2)  # for those who follow it to say so
    server.stop()


def ready():
    loop = asyncio.get_event_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, lambda: loop.create_task(end()))
    loop.create_task(feed.run())
    name = f"Channels {channels.__version__}, daphne {daphne.__version__}"
    listening(name, *server.listening_addresses[0])


server.ready_callable = ready
server.run()
