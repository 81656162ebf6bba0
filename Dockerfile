# One image, two commands: `web` and `worker` (and every other command of `reinstate`).
FROM python:3.11-slim AS build
ARG UV_VERSION=0.13
RUN pip install --no-cache-dir "uv~=${UV_VERSION}"
WORKDIR /app
COPY pyproject.toml requirements.lock ./
# The same versions and hashes as in the lock, without the tools for development.
RUN cp requirements.lock production.lock \
 && uv pip compile pyproject.toml --python-version 3.11 --generate-hashes --quiet -o production.lock \
 && uv venv /venv \
 && uv pip install --python /venv/bin/python --require-hashes --compile-bytecode -r production.lock

FROM python:3.11-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10001 --home-dir /app reinstate
WORKDIR /app
COPY --from=build /venv /venv
COPY settings.py connection.py logs.py worker.py cli.py ./
COPY domain/ domain/
COPY storage/ storage/
COPY activities/ activities/
COPY workflows/ workflows/
COPY web/ web/
COPY operations/ operations/
COPY development/ development/
USER reinstate
EXPOSE 8000
# Exec form all the way: the process itself is told to stop, not a shell around it.
ENTRYPOINT ["python", "cli.py"]
CMD ["web", "--host", "0.0.0.0", "--port", "8000"]
# For the web; the worker's service switches it off.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
