#!/usr/bin/env python3
"""Writes seeds/ and the signed part of corpus/ again, with the emulator's first key (needs openssl)."""

import base64
import hashlib
import json
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
KEY = HERE.parent / "kinde-emulator" / "src" / "development_key.pem"
KID = "f9:a1:2f:a1:4e:14:d4:ce:4b:b0:e2:c9:36:66:e0:d6"
NOW = 1_790_000_000


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(claims, **header):
    header = {"alg": "RS256", "kid": KID, "typ": "JWT"} | header
    parts = (encoded(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    message = ".".join(parts)
    command = ["openssl", "dgst", "-sha256", "-sign", KEY]
    return f"{message}.{encoded(subprocess.run(command, input=message.encode(), check=True, capture_output=True).stdout)}"


def write(path, text):
    path = HERE / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def main():
    printed = subprocess.run(["openssl", "rsa", "-in", KEY, "-noout", "-modulus"], check=True, capture_output=True, text=True)
    modulus = bytes.fromhex(printed.stdout.strip().split("=")[1])
    key = {"kty": "RSA", "e": "AQAB", "n": encoded(modulus), "alg": "RS256", "kid": KID, "use": "sig"}
    write("seeds/key_set.json", json.dumps({"keys": [key]}))

    times = {"exp": NOW + 86400, "iat": NOW, "iss": "http://localhost:9", "jti": "6f1c2d5e-0a57-4a7e-9a57-2b8f4b0a3f11"}
    user = {
        "aud": ["https://api.example.com"], "azp": "3f0c6a7d9b2e4c58a1d0e6f7b8c9d0e1", **times,
        "feature_flags": {"theme": {"t": "s", "v": "dark"}}, "org_code": "org_1a2b3c4d5e6",
        "permissions": ["create:todos"], "scp": ["openid", "profile"], "sub": "kp_0123456789abcdef0123456789abcdef",
    }
    machine = {
        "aud": ["https://api.example.com"], "azp": "9e8d7c6b5a4f43e2b1c0d9e8f7a6b5c4", **times,
        "gty": ["client_credentials"], "scp": ["read:todos"],
    }
    token = sign(user)
    write("seeds/user_token.txt", token)
    write("seeds/machine_token.txt", sign(machine))
    # A malformed authorization claim grants nothing, and the token stands.
    write("seeds/malformed_permissions.txt", sign(user | {"permissions": {"create:todos": True}}))

    event = {
        "type": "user.created", "event_id": "event_01a0c0e1845a16f366b1992215bc4c56", "source": "admin",
        "timestamp": "2026-09-22T00:13:20.000417+10:00", "data": {"user": {"id": "kp_0123456789abcdef0123456789abcdef"}},
    }
    webhook = sign(event)
    write("seeds/webhook.txt", webhook)

    header, claims, signature = token.split(".")
    none = encoded(b'{"alg":"none"}')
    tokens = {
        "user": token, "machine": sign(machine), "expired": sign(user | {"exp": NOW}),
        "crit": sign(user, crit=["b64"], b64=False), "no_signature": f"{none}.{claims}.",
        "padded": f"{header}.{claims}.{signature}=", "two_segments": f"{header}.{claims}",
        "five_segments": f"{token}.a.b", "malformed_permissions": sign(user | {"permissions": {"create:todos": True}}),
        "infinite_exp": f"{header}.{encoded(b'{' + b'%cexp%c:1e999}' % (34, 34))}.{signature}",
        "deep": f"{header}.{encoded(b'[' * 200)}.{signature}", "header_is_a_list": f"{encoded(b'[]')}.{claims}.{signature}",
    }
    for name, text in tokens.items():
        write(f"corpus/bearer_token/{name}", text)
    bodies = {
        "event": webhook, "line_feed": f"{webhook}\n", "access_token": token, "two": f"{webhook}\n{webhook}", "empty": "",
        "subject": sign(event | {"sub": "kp_1"}), "data_is_a_list": sign(event | {"data": []}), "old": sign(event | {"timestamp": "2020-01-01T00:00:00Z"}),
        "no_offset": sign(event | {"timestamp": "2026-09-22T00:13:20"}), "no_id": sign({k: v for k, v in event.items() if k != "event_id"}),
    }
    for name, text in bodies.items():
        write(f"corpus/webhook_body/{name}", text)
    user_payload = {"id": "kp_1", "email": None, "organizations": [{"code": "org_1", "roles": None, "permissions": [{"id": "1", "key": "a"}]}]}
    payloads = {
        "user": {"user": user_payload}, "organization": {"organization": {"code": "org_1", "name": 1}}, "role": {"role": {"id": "1", "key": "k"}},
        "customer": {"customer_id": "c", "quantity": 0, "next_billing_date": "2024-11-18T13:32:03+11"}, "passkey": {"user": {"id": "kp_1"}, "passkey": {}},
        "empty": {}, "user_is_a_list": {"user": []}, "id_is_a_number": {"user": {"id": 1}},
    }
    for name, value in payloads.items():
        write(f"corpus/event_payload/{name}", json.dumps(value))
    headers = {
        "bearer": f"Bearer {token}", "lower_case": f"bearer {token}", "machine": f"Bearer {sign(machine)}", "basic": "Basic dXNlcjpwYXNz",
        "empty": "", "scheme_alone": "Bearer", "two_spaces": f"Bearer  {token}", "two_headers": f"Bearer {token}\nBearer {token}",
        "parameters": 'Bearer realm="a", token=b', "comma": "Bearer a, Basic b", "latin": "Bearer \u00e9",
    }
    for name, text in headers.items():
        write(f"corpus/authorization_header/{name}", text)
    sets = {
        "one": {"keys": [key]}, "duplicate_kid": {"keys": [key, key]}, "null_entry": {"keys": [None, key]}, "none": {"keys": []},
        "symmetric": {"keys": [{"kty": "oct", "k": "AAAA", "kid": "a"}]}, "no_kid": {"keys": [{k: v for k, v in key.items() if k != "kid"}]},
        "exponent_one": {"keys": [key | {"e": "AQ"}]}, "encryption": {"keys": [key | {"use": "enc"}]}, "key_ops_text": {"keys": [key | {"key_ops": "verify"}]},
        "short": {"keys": [key | {"n": "AQAB"}]}, "keys_is_text": {"keys": "a"},
    }
    for name, value in sets.items():
        write(f"corpus/key_set/{name}", json.dumps(value))
    example = (HERE.parent / "kinde-emulator" / "src" / "example.toml").read_text()
    worlds = {
        "example": example, "nothing": "", "json": '{"people":[{"name":"alice","memberships":[{"org":"acme"}]}],"organizations":[{"handle":"acme"}]}',
        "unknown_key": "[[people]]\nnam = 1", "nobody": "[[people]]\nname = \"\"", "stranger": '[[webhooks]]\nendpoint = "https://example.com/hook"',
        "unknown_organization": '[[people]]\nname = "a"\nmemberships = [{ org = "b" }]', "flags": "[flags]\na = 1979-05-27T07:32:00Z\nb = [1, {c = inf}]",
    }
    for name, text in worlds.items():
        write(f"corpus/emulator_seed/{name}", text)
    # The first byte chooses the endpoint, by its place in TARGETS of emulator_request.rs.
    form = "grant_type=authorization_code&code=a&redirect_uri=http%3A%2F%2Flocalhost%2Fcb&client_id=web&code_verifier=b"
    requests = {
        "authorize_nothing": (0, ""), "authorize": (1, "scope=openid+offline&state=s&nonce=n&audience=https%3A%2F%2Fapi.example.test&prompt=create"),
        "authorize_organization": (1, "org_code=org_1&is_create_org=true&org_name=%3Cb%3E&login_hint=auto%3Aalice@example.test&state=%00%ff"),
        "code": (2, form), "refresh": (2, "grant_type=refresh_token&refresh_token=a&client_id=web"), "twice": (2, form + "&code=b"),
        "machine": (2, "grant_type=client_credentials&audience=a%20b&client_id=web&client_secret=c"), "page": (3, "interaction=a&p_email=b%40c&p_first_name=%22%3E"),
        "revoke": (4, "token=a&client_id=web"), "introspect": (5, "token=a"), "device": (6, "client_id=web&scope=openid"), "user_code": (7, "user_code=ABCDEFGH"),
        "logout": (8, "redirect=http%3A%2F%2Flocalhost%3A3000"), "account": (9, "page_size=-1&starting_after=%27"), "user": (10, '{"profile":{"given_name":"a"}}'),
        "trigger": (11, '{"event_type":"user.created","set":{"data.user.email":null,"":[]}}'), "person": (12, '{"authorization_url":"http://[","person":"alice"}'),
        "path": (13, "%2e%2e/_emulator"),
    }
    for name, (target, text) in requests.items():
        write(f"corpus/emulator_request/{name}", chr(target) + text)
    # The same for emulator_account.rs.
    asked = {
        "page": (0, "page_size=1&starting_after=x"), "permission": (1, "view%20reports%2Fadvanced"), "size": (2, "-1"),
        "after": (3, "entitlement_%00"), "entitlement": (4, "%ff"), "key": (5, "seats&key=other"),
        "return_url": (6, "http%3A%2F%2Flocalhost%2Fcb%3F%22%3E%3Cscript%3E"), "return_url_with_query": (6, "http%3A%2F%2Flocalhost%2Fcb%3Fa=1%26b"),
        "section": (7, "plan_details"),
    }
    for name, (target, text) in asked.items():
        write(f"corpus/emulator_account/{name}", chr(target) + text)
    # The same for login_request.rs: query, cookies, origin, what is posted. The cookies' names hold a digest of its settings.
    own = hashlib.sha256(b"client\nhttps://app.example.com\n/api/auth\n").hexdigest()[:6]
    session, flow = f"__Host-kinde_session_{own}", f"__Host-kinde_flow_{own}_"
    browsers = {
        "start": (0, "post_login_redirect_url=%2Fa%3Fb&org_code=org_1&prompt=none&lang=de\n"), "elsewhere": (0, "post_login_redirect_url=%2F%5Cevil.example"),
        "register": (1, "plan_interest=pro&pricing_table_key=k&utm_source=a&is_invitation=true&invitation_code=c"), "create": (2, "org_name=%3Cb%3E"),
        "callback": (3, f"code=a&state=b&iss=http%3A%2F%2Flocalhost%3A9\n{flow}PiPoFgA5WUoz=AQ"), "refused": (3, "error=login_link_expired&reauth_state=eyJvcmdfY29kZSI6ImEifQ"),
        "logout": (4, "post_logout_redirect_url=https%3A%2F%2Fapp.example.com.evil"), "switch": (5, f"org_code=org_2\n{session}=2~a; {session}.1=b"),
        "portal": (6, "sub_nav=profile&return_url=javascript%3A1"), "me": (7, f"fresh\n{session}=AQ"), "setup": (8, f"\na=b; {session}="),
        "posted": (9, "\n\nhttps://app.example.com\npost_login_redirect_url=%2F%2Fevil.example&org_code=a"), "posted_twice": (10, "org_name=a\n\n\norg_name=b"),
        "posted_logout": (11, f"\n{session}=AQ\nhttps://evil.example\n"), "page": (12, f"a\n{session}=9~AQ; {session}.1=x"),
    }
    for name, (target, text) in browsers.items():
        write(f"corpus/login_request/{name}", chr(target) + text)
    settings = {
        "complete": "KINDE_ISSUER_URL=https://example.kinde.com\nKINDE_CLIENT_ID=3f0c6a7d9b2e4c58a1d0e6f7b8c9d0e1\n"
        "KINDE_CLIENT_SECRET=abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJ\nKINDE_SITE_URL=https://app.example.com\nKINDE_AUDIENCE=a b,c",
        "aliases": "KINDE_DOMAIN=example.kinde.com\nNEXT_PUBLIC_KINDE_CLIENT_ID=a", "nothing": "", "conflict":
        "KINDE_ISSUER_URL=https://a.example\nKINDE_DOMAIN=https://b.example", "plain_http": "KINDE_ISSUER_URL=http://example.com/",
    }
    for name, text in settings.items():
        write(f"corpus/settings/{name}", text)


if __name__ == "__main__":
    main()
