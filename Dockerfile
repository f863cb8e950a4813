# The image of every Daylight process: web (by default), worker, beat and one-off commands.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1

RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/daylight daylight

WORKDIR /app
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . ./

RUN install -d -m 700 -o 10001 /record
USER 10001
ENV DAYLIGHT_HOST=0.0.0.0 \
    DAYLIGHT_DATA=/var/lib/daylight
EXPOSE 8000
CMD ["python", "-m", "gunicorn", "dreaming.wsgi:application"]
