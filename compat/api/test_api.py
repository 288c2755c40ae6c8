"""Every call of the OpenAPI document with data made from it, good and bad: no 5xx, and no answer that it does not tell of."""

import os
import pathlib
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "python"))

from support import Person, Server, make_message, make_token  # noqa: E402

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
    "negative_data_rejection",
]
# Cases of each call.
CASES = os.environ.get("API_CASES", "20")
# One seed in `make test`, so that it fails or passes the same way; another one with `API_SEED`.
SEED = os.environ.get("API_SEED", "1")


class Api(unittest.TestCase):
    def test_req_d11_every_call_answers_as_the_document_says(self):
        server = Server({"SEMEL_PHONE_SENDER": "terminal", "SEMEL_EMAIL_SENDER": "terminal"})
        self.addCleanup(server.close)
        people = [Person(server, name) for name in ["ada", "mira", "kim", "lou"]]
        ada, mira, kim, lou = people
        group = {"participants": [mira.id, kim.id], "thread_type": "group", "distinct": False}
        threads = [self.make(ada, group) for _ in range(2)]
        path = f"/api/chat/threads/{threads[0]}/messages"
        messages = [self.say(ada, path) for _ in range(2)]
        environment = {
            "SEMEL_TOKEN": make_token(ada.id, scope="operator"),
            "SEMEL_THREAD": threads[0],
            "SEMEL_OTHER_THREAD": threads[1],
            "SEMEL_MESSAGE": messages[0],
            "SEMEL_OTHER_MESSAGE": messages[1],
            "SEMEL_USER": mira.id,
            "SEMEL_OTHER_USER": kim.id,
            "SEMEL_ERASED_USER": lou.id,
            "SEMEL_ERASED_TOKEN": make_token("max"),
        }
        command = [
            str(pathlib.Path(sys.executable).parent / "schemathesis"),
            *["--config-file", str(HERE / "schemathesis.toml"), "--no-color", "run"],
            f"{server.url}/api/openapi.json",
            *["--phases", "coverage,fuzzing", "--checks", ",".join(CHECKS)],
            *["--max-examples", CASES, "--seed", SEED],
        ]
        ran = subprocess.run(
            command,
            env={"PATH": os.environ["PATH"], "HOME": server.directory, **environment},
            cwd=server.directory,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(ran.returncode, 0, f"{ran.stdout}\n{ran.stderr}")
        # The calls came through to what they are about.
        entries = ada.data("GET", f"/api/chat/threads/{threads[0]}/entries?limit=500")
        kinds = {entry["type"] for entry in entries["entries"]}
        for kind in ["message", "message_edited", "message_deleted", "participant_removed"]:
            self.assertIn(kind, kinds)

    def make(self, person, group):
        return person.data("POST", "/api/chat/create-or-get", group)["thread"]["id"]

    def say(self, person, path):
        body = make_message("", "words")
        del body["thread_id"]
        return person.data("POST", path, body)["message"]["id"]


if __name__ == "__main__":
    unittest.main()
