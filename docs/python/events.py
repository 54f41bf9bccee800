"""A parser of Server-Sent Events (WHATWG HTML, §9.2.6)."""


class Events:
    def __init__(self):
        self.last_id = ""  # of the last block that is whole
        self.id, self.type, self.data = "", "", []  # of the block that comes in

    def line(self, line):
        """Takes a line, without its end. Returns the event that it ends, (type, data), or None."""
        if line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data":
                self.data.append(value)
            elif name == "event":
                self.type = value
            elif name == "id":
                self.id = value
            return None  # and a comment has the empty name
        self.last_id = self.id
        event = (self.type or "message", "\n".join(self.data)) if self.data else None
        self.type, self.data = "", []
        return event
