# The service for production: one image, four commands (web, worker, beat, migrate; see docker-compose.yml).
# The embedded servers of `make run` are not in it (requirements-local.txt).

FROM python:3.11.14-slim-bookworm AS dependencies
COPY requirements.txt .
RUN python -m venv /venv \
    && /venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes -r requirements.txt

FROM python:3.11.14-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /srv --no-create-home --shell /usr/sbin/nologin service \
    && install -d -o service /var/lib/gameproject
COPY --from=dependencies /venv /venv
WORKDIR /srv
COPY manage.py ./
COPY gameproject gameproject
COPY strategies strategies
COPY observability observability
COPY kpi kpi
COPY templates templates
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 STATIC_ROOT=/srv/staticfiles
# The key is of this one command: no request is served with it.
RUN SECRET_KEY=of-the-build python manage.py collectstatic --no-input
USER service
EXPOSE 8000
# Where the processes of a container share their figures, emptied before they start (docs/metrics.md).
ENV PROMETHEUS_MULTIPROC_DIR=/tmp/metrics
ENTRYPOINT ["sh", "-c", "mkdir -p \"$PROMETHEUS_MULTIPROC_DIR\" && rm -f \"$PROMETHEUS_MULTIPROC_DIR\"/*.db && exec \"$@\"", "start"]
# One worker a core, 4 threads each: docs/architecture.md.
CMD ["sh", "-c", "exec granian --interface wsgi --host 0.0.0.0 --port 8000 --no-ws --workers ${WEB_WORKERS:-2} --blocking-threads 4 --respawn-failed-workers --workers-kill-timeout 10 --log-config gameproject/granian_logs.json gameproject.wsgi:application"]
