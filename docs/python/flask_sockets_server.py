#!/usr/bin/python3
"""The same Flask application on gevent's server, and a WebSocket beside it by
Flask-Sockets (Debian's package python3-flask-sockets): all four transports."""

from gevent import monkey

monkey.patch_all()  # first of all: what is imported from here on waits the gevent way

import signal
import struct
import sys
import threading

import flask
import gevent
from flask_sockets import Sockets
from gevent.pywsgi import WSGIServer
from geventwebsocket.exceptions import WebSocketError
from geventwebsocket.handler import WebSocketHandler
from werkzeug.routing import Rule

from feed import address, listening
from flask_server import app, feed

sockets = Sockets(app)


def websocket(ws):
    after, head = feed.cursor(flask.request.args.get("after"))
    try:
        ws.send(feed.hello(head))
        while not feed.closed:
            feed.wait(after, 15)
            for after, text in feed.since(after):
                ws.send(text)
        # A close frame begins with its code (RFC 6455, §5.5.1). ws.close() forgets it.
        ws.send_frame(struct.pack("!H", 1001) + b"the feed is closed", ws.OPCODE_CLOSE)
    except WebSocketError:
        pass  # the client has left


def echo(ws):
    while (text := ws.receive()) is not None:
        ws.send("Server received: " + text)


if "--as-packaged" in sys.argv:
    sockets.route("/websocket")(websocket)
    sockets.route("/websocket/echo")(echo)
else:
    # Flask-Sockets' route() makes rules without websocket=True, and Werkzeug 2
    # takes none of these for a WebSocket. So the rules are added by hand.
    sockets.url_map.add(Rule("/websocket", endpoint=websocket, websocket=True))
    sockets.url_map.add(Rule("/websocket/echo", endpoint=echo, websocket=True))

server = WSGIServer(address(), app, log=None, handler_class=WebSocketHandler)


def end():
    feed.close()
    server.stop(timeout=1)


for number in (signal.SIGINT, signal.SIGTERM):
    gevent.signal_handler(number, end)
server.start()
name = f"Flask {flask.__version__}, gevent {gevent.__version__}"
listening(name, server.server_host, server.server_port)
threading.Thread(target=feed.run, daemon=True).start()
server.serve_forever()
