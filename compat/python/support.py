"""A real server for the tests, and tokens as a host application makes them."""

import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import uuid

import requests

SECRET = "a secret of the compatibility tests, long enough"
DEADLINE_SECONDS = 20


def until(condition, what, deadline=DEADLINE_SECONDS):
    """Polls until the condition answers something."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline} s for {what}")
        time.sleep(0.005)


class Server:
    """A server in a directory of its own, on a free port."""

    def __init__(self, settings=()):
        self.settings = dict(settings)
        self.directory = tempfile.mkdtemp(prefix="semel-compat-")
        self.listen = "127.0.0.1:0"
        self.log = []
        self.up()

    def up(self):
        """Starts the process, again on the same port and data after `stop` or `kill`."""
        seen = len(self.log)
        command = ["serve", "--data-dir", self.directory, "--listen", self.listen]
        self.process = subprocess.Popen(
            [os.environ["SEMEL_BIN"], *command],
            env={
                "PATH": os.environ["PATH"],
                "JWT_SECRET_KEY": SECRET,
                "SEMEL_METRICS_LISTEN": "off",
                **self.settings,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self.reader.start()

        def address():
            text = "".join(self.log[seen:])
            assert self.process.poll() is None, f"the server ended:\n{text}"
            return re.search(r"http://(127\.0\.0\.1:\d+)", text)

        self.listen = until(address, "an address in the banner").group(1)
        self.url = f"http://{self.listen}"
        until(self.is_ready, "readiness")

    def is_ready(self):
        try:
            return requests.get(f"{self.url}/health/ready", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait(DEADLINE_SECONDS)
        self.reader.join(DEADLINE_SECONDS)
        self.process.stdout.close()

    def stop(self):
        self.end(signal.SIGTERM)

    def kill(self):
        self.end(signal.SIGKILL)

    def close(self):
        """Ends the server and fails when it panicked or reported an error."""
        if self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.directory)
        bad = [line for line in self.log if re.search(r"panicked|\bERROR\b", line)]
        assert not bad, bad

    def _read(self, stream):
        for line in stream:
            self.log.append(line)


class Person:
    """Somebody, known to the server."""

    def __init__(self, server, name):
        self.server = server
        self.id = f"{name}-{uuid.uuid4().hex[:8]}"
        self.token = make_token(self.id)
        self.data("GET", "/api/users/me")

    def data(self, method, path, body=None):
        answer = requests.request(
            method,
            self.server.url + path,
            json=body,
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=DEADLINE_SECONDS,
        ).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def thread_with(self, other):
        body = {"participants": [other.id]}
        return self.data("POST", "/api/chat/create-or-get", body)["thread"]["id"]


def make_token(user_id, seconds=3600, secret=SECRET, **claims):
    def encode(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    def part(value):
        return encode(json.dumps(value).encode())

    claims |= {"sub": user_id, "exp": int(time.time()) + seconds}
    text = part({"alg": "HS256", "typ": "JWT"}) + b"." + part(claims)
    signature = hmac.new(secret.encode(), text, hashlib.sha256).digest()
    return (text + b"." + encode(signature)).decode()


def make_message(thread_id, content):
    return {"thread_id": thread_id, "client_id": str(uuid.uuid4()), "content": content}
