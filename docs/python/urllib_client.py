#!/usr/bin/python3
"""Reads the feed with Python's standard library alone: polling, long-polling and SSE."""

import http.client
import json
import sys
import time
import urllib.error
import urllib.request

from cursor import arguments
from events import Events

EVERY = 0.5  # seconds between two polls


def polling(url, cursor):
    while True:
        if not ask(url, cursor):
            time.sleep(EVERY)


def longpoll(url, cursor):
    while True:
        ask(url, cursor)


def ask(url, cursor):
    with urllib.request.urlopen(url + cursor.query(), timeout=70) as response:
        if response.status == 200:
            return cursor.answer(response.read())
    return False  # 204: nothing new


def sse(url, cursor):
    events = Events()
    request = urllib.request.Request(url, headers=cursor.header())
    with urllib.request.urlopen(request, timeout=40) as stream:  # there is a comment every 15 s
        for line in stream:
            event = events.line(line.decode().rstrip("\r\n"))
            if events.last_id:
                cursor.stands(*events.last_id.split("-"))
            if event and event[0] in ("message", "gap"):
                cursor.take(json.loads(event[1]))
    raise ConnectionError("the stream has ended")


def main():
    read, url, cursor = arguments(polling, longpoll, sse)
    while True:
        try:
            read(url, cursor)
        except urllib.error.HTTPError as err:
            if err.code < 500:
                sys.exit(f"{err}: {err.read().decode()}")
            time.sleep(cursor.pause(err))
        except (OSError, http.client.HTTPException) as err:
            time.sleep(cursor.pause(err))


try:
    main()
except KeyboardInterrupt:
    pass
