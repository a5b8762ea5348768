"""Sends a task as a site of Celery does, and waits for its result: celery_task.py BROKER_URL QUEUE KWARGS_JSON SECONDS; prints JSON."""
import json
import sys

from celery import Celery
from celery.exceptions import TimeoutError as CeleryTimeout
from kombu import Exchange, Queue

broker, queue, kwargs, seconds = sys.argv[1:5]
app = Celery("site", broker=broker, backend="rpc://")
app.conf.task_queues = [Queue(queue, Exchange(""), routing_key=queue, no_declare=True)]
result = app.send_task("vora.import", kwargs=json.loads(kwargs), queue=queue)
try:
    answer = {"status": "SUCCESS", "result": result.get(timeout=float(seconds), interval=0.1)}
except CeleryTimeout:
    answer = {"status": "TIMEOUT"}
except Exception as error:  # what the task raised, as Celery makes it anew
    answer = {"status": "FAILURE", "type": type(error).__name__, "message": str(error)}
print(json.dumps({"task_id": result.id, **answer}))
