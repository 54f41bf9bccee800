"""What the clients here remember: where they stand in the feed. It is all that a reader
needs in order to go on after a cut without losing a message or getting one twice."""

import json
import random
import sys


class Cursor:
    epoch = id = None  # from now on

    def __init__(self, text=None):
        """Begins behind EPOCH-ID, or with 0 at the beginning of what the server has."""
        if text is not None:
            self.epoch, _, number = text.rpartition("-")
            self.id = int(number)

    def __str__(self):
        return f"{self.epoch}-{self.id}" if self.epoch else str(self.id)

    def query(self):
        return "" if self.id is None else f"?after={self}"

    def header(self):
        return {} if self.id is None else {"Last-Event-ID": str(self)}

    def stands(self, epoch, head):
        """Takes what the server says: the name of its feed, and where that is."""
        if self.id is None:
            self.epoch, self.id = epoch, int(head)
        elif not self.epoch:
            self.epoch = epoch
        elif self.epoch != epoch:
            say(f"the feed {self.epoch} is gone; {epoch} is read from its beginning")
            self.epoch, self.id = epoch, 0

    def take(self, entry):
        """Prints a message, or says which ones can no longer be had, and moves behind it."""
        if "epoch" in entry:  # the first frame of a WebSocket
            self.stands(entry["epoch"], entry["head"])
        elif "gap" in entry:
            say("gone: messages {from} to {to}".format(**entry["gap"]))
            self.id = entry["gap"]["to"]
        else:
            print(json.dumps(entry, separators=(",", ":"), ensure_ascii=False), flush=True)
            self.id = entry["id"]

    def answer(self, body):
        """Takes the answer to a poll, and returns whether there is more to be had at once."""
        answer = json.loads(body)
        entries = answer["messages"]
        self.stands(answer["epoch"], 0 if entries else answer["head"])
        for entry in entries:
            self.take(entry)
        return self.id < answer.get("head", 0)  # it is there where the entries do not reach it

    def pause(self, why):
        """Says that the connection is cut, and returns for how long to let the server alone.
        The time is drawn at random: else all clients of a server would come back at once."""
        say(f"cut: {why}; going on after {self}")
        return random.uniform(0.2, 1)


def say(text):
    print(text, file=sys.stderr, flush=True)


def arguments(*transports):
    """Returns what the command line says: which of these functions to call, and with what."""
    named = {transport.__name__: transport for transport in transports}
    if len(sys.argv) < 2 or sys.argv[1] not in named:
        sys.exit(f"usage: {sys.argv[0]} {'|'.join(named)} [http://host:port [cursor]]")
    base = sys.argv[2] if len(sys.argv) > 2 else "http://127.0.0.1:8080"
    return named[sys.argv[1]], base.rstrip("/") + "/" + sys.argv[1], Cursor(*sys.argv[3:4])
