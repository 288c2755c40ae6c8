"""The official Python client, threaded and asynchronous, against a real server."""

import asyncio
import unittest

import requests
import socketio

from support import DEADLINE_SECONDS, Person, Server, make_message, make_token, until

TRANSPORTS = (["websocket"], ["polling"], ["polling", "websocket"])
REFUSED = {
    "nothing": None,
    "no token": {},
    "a wrong token": {"token": "wrong"},
    "another secret": {"token": make_token("alice", secret="x" * 40)},
    "an expired token": {"token": make_token("alice", seconds=-10)},
}
RECONNECT = {"reconnection_delay": 0.1, "reconnection_delay_max": 0.2, "randomization_factor": 0}
# The client waits so long for an answer to its connect, also when the connection has ended meanwhile.
CONNECT_SECONDS = 2


class WithServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)

    def setUp(self):
        self.alice = Person(self.server, "alice")
        self.bob = Person(self.server, "bob")
        self.thread_id = self.alice.thread_with(self.bob)


class SimpleDevice:
    """A device of the threaded client with what it received."""

    def __init__(self, person, transports=None):
        self.entries = []
        self.client = socketio.Client(**RECONNECT)
        self.client.on("entry", self.entries.append)
        self.client.connect(
            person.server.url,
            auth=lambda: {"token": person.token, "device_id": "python"},
            transports=transports,
            wait_timeout=CONNECT_SECONDS,
        )

    def ask(self, name, data):
        return self.client.call(name, data, timeout=DEADLINE_SECONDS)

    def until_sent(self, data):
        """Sends until it is acknowledged; the client id makes that safe."""
        while True:
            until(lambda: self.client.connected, "a connection")
            try:
                ack = self.client.call("message:send", data, timeout=2)
            except (socketio.exceptions.TimeoutError, socketio.exceptions.BadNamespaceError):
                continue
            if ack["status"] == "success":
                return ack["data"]["message"]

    def messages(self):
        return [entry["message"] for entry in self.entries if entry["type"] == "message"]


class ThreadedClient(WithServer):
    def device(self, person, transports=None):
        device = SimpleDevice(person, transports)
        self.addCleanup(device.client.shutdown)
        return device

    def client(self):
        """One that is refused: its connections stay open until whoever gave it the session closes that."""
        session = requests.Session()
        self.addCleanup(session.close)
        return socketio.Client(reconnection=False, http_session=session)

    def test_sends_are_acknowledged_and_entries_arrive_in_order(self):
        for transports in TRANSPORTS:
            with self.subTest(transports=transports):
                thread_id = self.alice.data(
                    "POST",
                    "/api/chat/create-or-get",
                    {"participants": [self.bob.id], "thread_type": "group", "distinct": False},
                )["thread"]["id"]
                sender = self.device(self.alice, transports)
                receiver = self.device(self.bob, transports)
                acknowledged = []
                for n in range(30):
                    ack = sender.ask("message:send", make_message(thread_id, f"{n}"))
                    self.assertEqual(ack["status"], "success", ack)
                    acknowledged.append(ack["data"]["message"])
                until(lambda: len(receiver.messages()) >= 30, "the messages")
                self.assertEqual(receiver.messages(), acknowledged)
                revs = [entry["rev"] for entry in receiver.entries]
                self.assertEqual(revs, list(range(2, 32)))

    def test_a_refused_connection_says_the_code(self):
        for what, auth in REFUSED.items():
            for transports in TRANSPORTS:
                with self.subTest(what=what, transports=transports):
                    client = self.client()
                    refusals = []
                    client.on("connect_error", refusals.append)
                    with self.assertRaises(socketio.exceptions.ConnectionError):
                        client.connect(self.server.url, auth=auth, transports=transports)
                    until(lambda: refusals, "the refusal")
                    self.assertEqual(refusals[0], {"message": "unauthenticated"})

    def test_a_namespace_that_does_not_exist_is_refused(self):
        client = self.client()
        refusals = []
        client.on("connect_error", refusals.append, namespace="/admin")
        with self.assertRaises(socketio.exceptions.ConnectionError):
            client.connect(self.server.url, namespaces=["/admin"])
        until(lambda: refusals, "the refusal")
        self.assertEqual(refusals[0], {"message": "Invalid namespace"})

    def test_a_refused_event_is_an_answer(self):
        device = self.device(self.alice)
        ack = device.ask("message:send", {"thread_id": self.thread_id, "content": "no client id"})
        self.assertEqual(ack["status"], "error")
        self.assertIn(ack["error"]["code"], ("invalid_request", "malformed_body"))
        ack = device.ask("message:send", {"thread_id": self.thread_id, "content": b"bytes"})
        self.assertEqual(ack["status"], "error")
        self.assertTrue(device.client.connected)

    def test_the_simple_client_works(self):
        with socketio.SimpleClient() as client:
            client.connect(self.server.url, auth={"token": self.alice.token})
            ack = client.call("message:send", make_message(self.thread_id, "simple"))
            self.assertEqual(ack["data"]["message"]["content"], "simple")


class Restart(WithServer):
    def test_the_client_comes_back_after_a_stop_and_after_a_kill(self):
        sender, receiver = SimpleDevice(self.alice), SimpleDevice(self.bob)
        self.addCleanup(sender.client.shutdown)
        self.addCleanup(receiver.client.shutdown)
        stored = [sender.until_sent(make_message(self.thread_id, "before"))]
        for end in (self.server.stop, self.server.kill):
            end()
            until(lambda: not sender.client.connected, "the end of the connection")
            self.server.up()
            stored.append(sender.until_sent(make_message(self.thread_id, end.__name__)))
        until(lambda: receiver.client.connected, "the receiver")
        answer = receiver.ask("sync", {"threads": {self.thread_id: {"rev": 1}}})
        entries = answer["data"]["threads"][0]["entries"]
        self.assertEqual([entry["message"] for entry in entries], stored)
        self.assertEqual([entry["rev"] for entry in entries], [2, 3, 4])


class AsynchronousClient(WithServer):
    def run_with_devices(self, work, transports=None):
        async def run():
            devices = []
            try:
                for person in (self.alice, self.bob):
                    client = socketio.AsyncClient(**RECONNECT)
                    entries = []
                    client.on("entry", entries.append)
                    await client.connect(
                        self.server.url,
                        auth={"token": person.token},
                        transports=transports,
                        wait_timeout=DEADLINE_SECONDS,
                    )
                    devices.append((client, entries))
                await asyncio.wait_for(work(*devices), 60)
            finally:
                for client, _ in devices:
                    await client.shutdown()

        asyncio.run(run())

    def test_sends_are_acknowledged_and_entries_arrive_in_order(self):
        for transports in TRANSPORTS:
            self.thread_id = self.alice.data(
                "POST",
                "/api/chat/create-or-get",
                {"participants": [self.bob.id], "thread_type": "group", "distinct": False},
            )["thread"]["id"]

            async def work(sender, receiver):
                acknowledged = []
                for n in range(30):
                    data = make_message(self.thread_id, f"{n}")
                    ack = await sender[0].call("message:send", data, timeout=DEADLINE_SECONDS)
                    self.assertEqual(ack["status"], "success", ack)
                    acknowledged.append(ack["data"]["message"])
                while len(receiver[1]) < 30:
                    await asyncio.sleep(0.005)
                self.assertEqual([entry["message"] for entry in receiver[1]], acknowledged)

            with self.subTest(transports=transports):
                self.run_with_devices(work, transports)

    def test_the_same_client_id_is_one_message(self):
        data = make_message(self.thread_id, "once")

        async def work(sender, receiver):
            acks = await asyncio.gather(
                *(sender[0].call("message:send", data, timeout=20) for _ in range(50))
            )
            messages = [ack["data"]["message"] for ack in acks]
            self.assertTrue(all(message == messages[0] for message in messages))
            self.assertEqual(sum(not ack["data"]["duplicate"] for ack in acks), 1)
            last = make_message(self.thread_id, "last")
            await sender[0].call("message:send", last, timeout=DEADLINE_SECONDS)
            while receiver[1][-1:] == [] or receiver[1][-1]["message"]["content"] != "last":
                await asyncio.sleep(0.005)
            contents = [entry["message"]["content"] for entry in receiver[1]]
            self.assertEqual(contents, ["once", "last"])

        self.run_with_devices(work)

    def test_a_refused_connection_says_the_code(self):
        async def connect(auth):
            client = socketio.AsyncClient(reconnection=False)
            refusal = asyncio.get_running_loop().create_future()

            async def refused(data):
                if not refusal.done():
                    refusal.set_result(data)

            client.on("connect_error", refused)
            with self.assertRaises(socketio.exceptions.ConnectionError):
                await client.connect(self.server.url, auth=auth)
            self.assertEqual(await asyncio.wait_for(refusal, 10), {"message": "unauthenticated"})

        for what, auth in REFUSED.items():
            with self.subTest(what=what):
                asyncio.run(connect(auth))


if __name__ == "__main__":
    unittest.main()
