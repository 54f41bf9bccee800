#!/usr/bin/python3
"""A feed and an echo by Flask (Debian's package python3-flask), on its development
server with a thread for each request: polling, long-polling and SSE. What Flask
serves is WSGI, a request and an answer: there is no place in it for a WebSocket."""

import signal
import threading

import flask
import werkzeug
from werkzeug.serving import WSGIRequestHandler, make_server

from feed import FIELDS, ThreadFeed, address, listening

app = flask.Flask(__name__)
feed = ThreadFeed()


def cursor():
    after = flask.request.args.get("after")
    try:
        return feed.cursor(flask.request.headers.get("Last-Event-ID") or after)
    except ValueError as err:
        flask.abort(400, str(err))


def answer(after):
    status, headers, body = feed.answer(after, "after" in flask.request.args)
    return flask.Response(body, status, headers, mimetype="application/json")


@app.get("/polling")
def polling():
    after, _ = cursor()
    return answer(after)


@app.get("/longpoll")
def longpoll():
    after, _ = cursor()
    feed.wait(after, 25)
    return answer(after)


@app.get("/sse")
def sse():
    def stream(after, head):
        yield feed.first(after, head)
        while not feed.closed:
            feed.wait(after, 15)
            events, after = feed.events(after)
            yield events or ":\n\n"

    return flask.Response(stream(*cursor()), headers=FIELDS, content_type="text/event-stream")


@app.post("/echo")
def echo():
    text = flask.request.get_data(as_text=True)
    return flask.Response("Server received: " + text, content_type="text/plain; charset=utf-8")


class Quiet(WSGIRequestHandler):
    def log_request(self, *args):
        pass


def main():
    server = make_server(*address(), app, threaded=True, request_handler=Quiet)

    def end(*_):  # a signal comes at any instant: in the midst of handing over a request, too
        threading.Thread(target=lambda: (feed.close(), server.shutdown())).start()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    name = f"Flask {flask.__version__}, Werkzeug {werkzeug.__version__}"
    listening(name, *server.server_address[:2])
    threading.Thread(target=feed.run, daemon=True).start()
    server.daemon_threads = False  # it waits for those that still answer
    server.serve_forever()


if __name__ == "__main__":
    main()
