"""A mail server that takes everything and keeps nothing: `python -m bench.sink <port>`.

`NOOP` answers how many messages were taken, so that a measurement knows when everything was sent.
"""

import asyncio
import sys

LOOPBACK = "127.0.0.1"
taken = 0


class Lines(asyncio.Protocol):
    """SMTP as far as our own sender speaks it. A protocol of its own: streams would cost more than the talk."""

    def __init__(self) -> None:
        self._rest, self._in_data = b"", False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._out = transport
        self._out.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while True:
            end = b"\r\n.\r\n" if self._in_data else b"\r\n"
            line, found, rest = self._rest.partition(end)
            if not found:
                return
            self._rest = rest
            self._out.write(self._answer(line))

    def _answer(self, line: bytes) -> bytes:
        global taken
        if self._in_data:
            self._in_data, taken = False, taken + 1
            return b"250 ok\r\n"
        verb = line[:4].upper()
        self._in_data = verb == b"DATA"
        answers = {
            b"EHLO": b"250-sink\r\n250 8BITMIME\r\n",
            b"NOOP": f"250 {taken}\r\n".encode(),
            b"QUIT": b"221 bye\r\n",
            b"DATA": b"354 go on\r\n",
        }
        return answers.get(verb, b"250 ok\r\n")


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Lines, LOOPBACK, port)
    print("sink: ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
