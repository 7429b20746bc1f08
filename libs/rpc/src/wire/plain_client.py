"""Calls a service as docs/call-protocol.md says, with nothing but the standard library and msgpack.

Usage: plain_client.py HOST PORT SERVICE CALL PAYLOAD-AS-JSON, the secret in CALLS_SECRET. Prints the answer as JSON.
"""
import hashlib
import hmac
import json
import os
import socket
import struct
import sys

import msgpack

HELLO, PROOF, WELCOME, REFUSED, REQUEST, ANSWER, REFUSAL = range(1, 8)
CREDIT, ITEMS = 13, 12
VERSION = 2


class Connection:
    def __init__(self, host, port, service, secret):
        self.socket = socket.create_connection((host, port), timeout=10)
        self.stream = self.socket.makefile("rb")
        _, _, hello = self.receive(HELLO)
        if hello[:4] != b"TNFD" or hello[4:6] != struct.pack(">H", VERSION):
            raise SystemExit("the peer speaks another protocol")
        server_nonce, nonce = hello[6:38], os.urandom(32)

        def prove(role):
            text = f"tenfold calls {VERSION} {role} {service} ".encode()
            return hmac.new(secret.encode(), text + server_nonce + nonce, hashlib.sha256).digest()

        self.send(PROOF, 0, struct.pack(">H", VERSION) + nonce + prove("client") + service.encode())
        _, _, welcome = self.receive(WELCOME)
        if not hmac.compare_digest(welcome, prove("server")):
            raise SystemExit("the peer does not know the secret")

    def send(self, kind, call_id, body):
        self.socket.sendall(struct.pack(">IBI", 5 + len(body), kind, call_id) + body)

    def receive(self, *expected):
        length, kind, call_id = struct.unpack(">IBI", self.stream.read(9))
        body = self.stream.read(length - 5)
        if kind not in expected:
            raise SystemExit(f"unexpected frame {kind}: {body!r}")
        return kind, call_id, body

    def call(self, name, payload):
        request = [name, 2000, "python-1", os.urandom(16).hex(), None, payload]
        self.send(REQUEST, 1, msgpack.packb(request))
        self.send(CREDIT, 1, msgpack.packb(1000))
        items = []
        while True:
            kind, _, body = self.receive(ANSWER, REFUSAL, ITEMS)
            value = msgpack.unpackb(body)
            if kind == ITEMS:
                items += value
            elif kind == REFUSAL:
                return {"refused": value[1], "issues": value[4]}
            else:
                return {"answer": items or value[1]}


if __name__ == "__main__":
    host, port, service, name, payload = sys.argv[1:]
    connection = Connection(host, int(port), service, os.environ["CALLS_SECRET"])
    json.dump(connection.call(name, json.loads(payload)), sys.stdout)
