"""Holds a running demo server against its OpenAPI document, with generated requests.

Usage: fuzz_api.py LOG SCHEMATHESIS CASES

LOG is the server's standard error: the address and the demo accounts are read from it. Each kind of caller (nobody, a
visitor, the holder of a link, an administrator) gets its share of the cases, over the operations that it may use.
Prints one line for each share and ends with "N passed, N failed".
"""

import json
import re
import subprocess
import sys
import time
import urllib.request


def wait_for(log, pattern, seconds=300):
    end = time.time() + seconds
    while time.time() < end:
        found = re.search(pattern, open(log, encoding="utf-8").read(), re.M)
        if found:
            return found
        time.sleep(0.2)
    sys.exit(f"the server did not say {pattern!r}:\n" + open(log, encoding="utf-8").read())


def call(url, body=None, headers=None):
    request = urllib.request.Request(url, headers={"content-type": "application/json", **(headers or {})})
    if body is not None:
        request.data = json.dumps(body).encode()
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def main(log, schemathesis, cases):
    address = wait_for(log, r"Listening on (http://\S+)").group(1)
    slug = wait_for(log, r"Demo clinic (\S+) at /p/(\S+)").group(2)
    clinic = wait_for(log, r"Demo clinic (\S+) at").group(1)
    account = wait_for(log, r"^\s+administrator\s+(\S+)\s+(.+)$")
    api = f"{address}/api/v1"
    portal = f"{api}/portal/{slug}"
    staff = call(f"{api}/session", {"email": account.group(1), "password": account.group(2).strip()})["token"]
    person = {
        "first_name": "Zoé", "last_name": "Essai", "birth_date": "1990-04-02", "sex": "female",
        "cell_phone": "514 555 0199", "terms_accepted": True,
    }
    visit = call(f"{portal}/visits", person)["token"]
    auth = {"authorization": f"Bearer {visit}"}
    link = "l_" + "0" * 64
    for service in call(f"{portal}/services", headers=auth)["services"]:
        free = call(f"{portal}/availabilities?service={service['id']}&limit=1", headers=auth)["availabilities"]
        if free:
            reason = {"choice": 0} if service["reasons"] else {"text": "essai"}
            wanted = {"service": service["id"], "availability": free[0]["availability"]}
            if service["reason_required"]:
                wanted["reason"] = reason
            link = call(f"{portal}/appointments", wanted, {**auth, "idempotency-key": "fuzz"})["link_token"]
            break

    shares = [
        ("nobody", None, r"^/api/v1/portal/"),
        ("a visitor", visit, r"^/api/v1/portal/\{slug\}/(visit|services|availabilities|holds|appointments)"),
        ("the holder of a link", link, r"^/api/v1/portal/\{slug\}/appointment/?"),
        ("an administrator", staff, r"^/api/v1/(clinics|audit)"),
    ]
    document = call(f"{api}/openapi.json")
    operations = lambda pattern: sum(
        len([m for m in methods if m in ("get", "put", "post", "delete", "patch")])
        for path, methods in document["paths"].items() if re.search(pattern, path)
    )
    total = sum(operations(pattern) for _, _, pattern in shares)
    passed = failed = 0
    for name, token, pattern in shares:
        each = max(1, -(-cases // max(1, total)))
        command = [
            schemathesis, "run", f"{api}/openapi.json", "--include-path-regex", pattern,
            "--max-examples", str(each), "--seed", "20261122", "--phases", "examples,coverage,fuzzing",
            "--exclude-path-regex", r"feed/stream",
            "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
            "--workers", "1", "--request-timeout", "20", "--no-color", "--suppress-health-check", "all",
        ]
        if token:
            command += ["--header", f"Authorization: Bearer {token}"]
        done = subprocess.run(command, capture_output=True, text=True)
        found = re.search(r"(\d+) generated", done.stdout)
        print(f"{name}: {operations(pattern)} operations, {found.group(0) if found else '?'}: "
              + ("ok" if done.returncode == 0 else "FAILED"), flush=True)
        if done.returncode == 0:
            passed += 1
        else:
            failed += 1
            print(done.stdout[-12000:], done.stderr[-2000:], flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
