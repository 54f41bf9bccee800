#!/usr/bin/python3
"""A feed and an echo by Tornado (Debian's package python3-tornado): all four transports."""

import asyncio
import signal

import tornado.netutil
import tornado.web
import tornado.websocket
from tornado.iostream import StreamClosedError

from feed import FIELDS, AsyncFeed, address, listening

feed = AsyncFeed()


def cursor(handler):
    after = handler.get_query_argument("after", None)
    try:
        return feed.cursor(handler.request.headers.get("Last-Event-ID") or after)
    except ValueError as err:
        raise tornado.web.HTTPError(400, str(err))


class Polling(tornado.web.RequestHandler):
    def get(self):
        after, _ = cursor(self)
        self.answer(after)

    def answer(self, after):
        given = self.get_query_argument("after", None) is not None
        status, headers, body = feed.answer(after, given)
        self.tag = headers.pop("ETag", None)
        self.set_status(status)
        for name, value in headers.items():
            self.set_header(name, value)
        if body:
            self.set_header("Content-Type", "application/json")
            self.write(body)

    def compute_etag(self):  # Tornado sends it, and answers 304 to who has it
        return self.tag


class LongPoll(Polling):
    async def get(self):
        after, _ = cursor(self)
        await feed.wait(after, 25)
        self.answer(after)


class SSE(tornado.web.RequestHandler):
    async def get(self):
        after, head = cursor(self)
        for name, value in FIELDS.items():
            self.set_header(name, value)
        self.set_header("Content-Type", "text/event-stream")
        self.write(feed.first(after, head))
        try:
            await self.flush()
            while not feed.closed:
                await feed.wait(after, 15)
                events, after = feed.events(after)
                self.write(events or ":\n\n")
                await self.flush()
        except StreamClosedError:
            pass  # the client has left


class WebSocket(tornado.websocket.WebSocketHandler):
    def open(self):
        self.following = asyncio.create_task(self.follow(*cursor(self)))

    async def follow(self, after, head):
        try:
            await self.write_message(feed.hello(head))
            while not feed.closed:
                await feed.wait(after, 15)
                for after, text in feed.since(after):
                    await self.write_message(text)
            self.close(1001, "the feed is closed")
        except tornado.websocket.WebSocketClosedError:
            pass

    def on_message(self, text):
        pass

    def on_close(self):
        self.following.cancel()


class Echo(tornado.web.RequestHandler):
    def post(self):
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.write("Server received: " + self.request.body.decode())


class WebSocketEcho(tornado.websocket.WebSocketHandler):
    def on_message(self, text):
        self.write_message("Server received: " + text)


async def main():
    end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    routes = [
        ("/polling", Polling),
        ("/longpoll", LongPoll),
        ("/sse", SSE),
        ("/websocket", WebSocket),
        ("/echo", Echo),
        ("/websocket/echo", WebSocketEcho),
    ]
    app = tornado.web.Application(routes, websocket_ping_interval=15, log_function=lambda _: None)
    host, port = address()
    sockets = tornado.netutil.bind_sockets(port, host)
    server = tornado.httpserver.HTTPServer(app)
    server.add_sockets(sockets)
    listening("Tornado " + tornado.version, *sockets[0].getsockname()[:2])
    running = asyncio.create_task(feed.run())
    await end.wait()
    feed.close()
    await running
    server.stop()
    await server.close_all_connections()


asyncio.run(main())
