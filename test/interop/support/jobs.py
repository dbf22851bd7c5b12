"""Jobs of the security tests: one line of JSON each on standard input, one line of JSON as the answer. They run side by side."""
import json
import sys
import threading


def serve(operations):
    printing = threading.Lock()

    def run(job):
        answer = {'id': job['id']}
        try:
            answer.update(operations[job['op']](job) or {})
        except BaseException as error:  # whatever it is, the test wants to see it
            answer['error'] = '%s: %s' % (type(error).__name__, error)
        with printing:
            print(json.dumps(answer, separators=(',', ':')), flush=True)

    for line in sys.stdin:
        job = json.loads(line)
        threading.Thread(target=run, args=(job,), name='job-%d' % job['id'], daemon=True).start()
