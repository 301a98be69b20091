"""A group robot as 企业微信 answers, on this machine: what it was sent, and what it says to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class RobotServer:
    """`answers` are taken one by one, as errcode or HTTP status; then everything is taken."""

    def __init__(self, answers: list[int]) -> None:
        self.answers = answers
        self.received: list[dict] = []
        self.url = ""


@contextmanager
def robot_server(*answers: int) -> Iterator[RobotServer]:
    robot = RobotServer(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = robot.answers.pop(0) if robot.answers else 0
            is_status = 400 <= answer < 600
            if answer == 0:
                robot.received.append(body)
            self.send_response(answer if is_status else 200)
            self.end_headers()
            self.wfile.write(json.dumps({"errcode": 0 if is_status else answer, "errmsg": "said"}).encode())

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    robot.url = f"http://127.0.0.1:{server.server_port}/webhook/send?key=secret-key"
    try:
        yield robot
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
