"""What the servers here serve: one feed, and the lab's texts around its messages.

A feed is an ordered log with a bounded memory. A message has an id (1, 2, 3 …). A
reader holds a cursor, the id of the last message that it has, and asks for what
comes after it. docs/reference.md says what goes over the wire.
"""

import asyncio
import json
import re
import secrets
import sys
import threading
import time

KEEP = 500  # messages that it remembers
RATE = 20  # messages that it publishes a second, evenly
DATA = "x" * 126  # of each: 128 bytes of JSON
BACKLOG = 100  # messages that it has from the start, so that there is something to resume from
FIELDS = {"Cache-Control": "no-store, no-transform"}  # of an event stream: no proxy compresses it


class Feed:
    def __init__(self):
        self.epoch = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(6))
        self.head = 0  # the newest id
        self.log = []  # (id, text), the newest last; it is replaced, never changed
        self.closed = False
        self.lock = threading.Lock()
        self.news = self.Event()  # set by the next message, and then another one takes its place
        for _ in range(BACKLOG):
            self.publish(DATA)

    def publish(self, data):
        with self.lock:
            message = {"id": self.head + 1, "at": time.time_ns() // 1000, "data": data}
            self.log = [*self.log, (message["id"], dump(message))][-KEEP:]
            self.head = message["id"]
            self.wake()

    def close(self):
        """Wakes those who wait. They see that it is closed, and end."""
        self.closed = True
        self.wake()

    def wake(self):
        news, self.news = self.news, self.Event()
        news.set()

    def cursor(self, text):
        """Returns the id of the last message that a reader has who sends this text, or None or
        "", and the newest id. For one who sends nothing they are the same: from now on."""
        head = self.head
        if not text:
            return head, head
        said = re.fullmatch("(?:([a-z0-9]{1,16})-)?(0|[1-9][0-9]*)", text)
        if not said:
            raise ValueError('a cursor is a number, or an epoch, "-" and a number')
        epoch, number = said[1], int(said[2])
        if epoch not in (None, self.epoch):
            return 0, head  # it knew another feed: all of this one is new to it
        if number > head:
            raise ValueError("the cursor lies ahead of the feed")
        return number, head

    def since(self, after):
        """Returns what comes after an id, as (id, text). What is forgotten is a gap."""
        log = self.log
        oldest = log[0][0]
        gap = {"gap": {"from": after + 1, "to": oldest - 1}}
        missing = [(oldest - 1, dump(gap))] if after + 1 < oldest else []
        return missing + log[max(0, after + 1 - oldest) :]

    # The texts of the four transports.

    def answer(self, after, given):
        """Returns status, headers and body of the answer to a poll."""
        entries = self.since(after)
        if given and not entries:
            return 204, {"Cache-Control": "no-store"}, ""
        if not entries:
            return 200, self.tagged(after), dump({"epoch": self.epoch, "head": after, "messages": []})
        texts = ",".join(text for _, text in entries)
        return 200, self.tagged(entries[-1][0]), f'{{"epoch":"{self.epoch}","messages":[{texts}]}}'

    def tagged(self, last):
        return {"Cache-Control": "no-store", "ETag": f'"{self.epoch}-{last}"'}

    def first(self, after, head):
        """Returns the first block of an event stream: where it begins. It has data, since
        Firefox does not take the id of a block without."""
        fields = f"id: {self.epoch}-{after}\nevent: hello\nretry: 3000\n"
        return f"{fields}data: {self.hello(head)}\n\n"

    def events(self, after):
        """Returns what comes after an id as events, and the id of the last."""
        blocks = []
        for after, text in self.since(after):
            kind = "event: gap\n" if text.startswith('{"gap"') else ""
            blocks.append(f"{kind}id: {self.epoch}-{after}\ndata: {text}\n\n")
        return "".join(blocks), after

    def hello(self, head):
        """Returns the first frame of a WebSocket, and the data of the first event."""
        return dump({"epoch": self.epoch, "head": head})


def dump(value):
    """Returns JSON without white space."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class AsyncFeed(Feed):
    """Belongs to one event loop."""

    Event = asyncio.Event

    async def wait(self, after, seconds):
        """Returns when something comes after an id, when the time is over, or at the end."""
        news = self.news  # before the look: what comes after it sets it
        if self.head == after and not self.closed:
            try:
                await asyncio.wait_for(news.wait(), seconds)
            except asyncio.TimeoutError:
                pass

    async def run(self):
        while not self.closed:
            await asyncio.sleep(1 / RATE)
            self.publish(DATA)


class ThreadFeed(Feed):
    """May be read by any number of threads."""

    Event = threading.Event

    def wait(self, after, seconds):
        news = self.news
        if self.head == after and not self.closed:
            news.wait(seconds)

    def run(self):
        while not self.closed:
            time.sleep(1 / RATE)
            self.publish(DATA)


def address():
    """Returns the host and the port that the command line names. Port 0 takes a free one."""
    host, _, port = (sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8090").rpartition(":")
    return host, int(port)


def listening(name, host, port):
    print(f"{name} listens: http://{host}:{port}/", flush=True)
