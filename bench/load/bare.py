"""The least that a web service with PostgreSQL does with a command: parse it, insert it, commit, answer."""

import flask
from sqlalchemy import create_engine, text

app = flask.Flask("bare")
engine = create_engine("postgresql+psycopg://tasks_owner@postgres/tasks", pool_size=8)
insert = text("INSERT INTO bare (body) VALUES (:body) RETURNING position")
with engine.begin() as connection:
    connection.execute(text("SELECT pg_advisory_xact_lock(1)"))
    connection.execute(text("CREATE TABLE IF NOT EXISTS bare (position bigserial PRIMARY KEY, body bytea NOT NULL)"))


@app.post("/communes/<commune>/tasks")
def take(commune: str) -> tuple[dict[str, object], int]:
    flask.request.get_json()
    with engine.begin() as connection:
        position = connection.execute(insert, {"body": flask.request.get_data()}).scalar_one()
    return {"commune": commune, "position": position}, 201
