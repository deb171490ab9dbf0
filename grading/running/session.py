"""One notebook of one student, run in sandboxes: cells, calls of functions, and new kernels.

Where a kernel dies or hangs it is replaced by a fresh one. What ran before runs again, without the
cell that ended it; an answer whose function ended it is replaced by a stub that says so.
"""

import ast
import contextlib
import time

from grading.exercises import ALWAYS
from grading.running.sandbox import SECONDS_TO_START, Ended


class Session:
    """The kernel of a notebook, whichever it is by now.

    Parameters
    ----------
    cells : list of NotebookNode
        The code cells in their order.
    stubs : dict
        By number of an answer cell, the source that stands in for it once its function was stopped.
    limits : grading.running.sandbox.Limits
    start : callable
        Makes a `grading.running.sandbox.Sandbox`.
    """

    def __init__(self, cells, stubs, limits, start):
        self.cells, self.stubs, self.limits, self._start = cells, stubs, limits, start
        self.stopped = {}  # by number of a cell, why it does not run any more
        self._ran, self._sandbox = [], None
        self._starts, self._ends_of_cells, self._seconds = 0, 0, 0.0

    def run(self, number, source=None):
        """Run a cell.

        Parameters
        ----------
        number : int
        source : str, optional
            What of it is to run, if not all.

        Returns
        -------
        dict
            outputs and status: "ok", "late", or the reason why the kernel ended.
        """
        source = self.cells[number].source if source is None else source
        if not source.strip():
            return {"outputs": [], "status": "ok"}
        if self._definitions_alone and not self._is_definition(number):
            why = "other cells took too long" if self._is_late else "the kernel had ended too often"
            return {"outputs": [note(f"Not run: {why}.")], "status": "ok"}
        started = time.monotonic()
        try:
            reply = self._kernel().run(source)
        except Ended as ended:
            self._ends_of_cells += 1
            self.blame([number], str(ended))
            return {
                "outputs": [note(f"The kernel was ended here: {ended}.")],
                "status": str(ended),
            }
        finally:
            self._seconds += time.monotonic() - started
        self._ran.append((number, source))
        if reply["status"] == "late":
            limit = f"Interrupted after {self.limits.cell_seconds:g} s."
            reply["outputs"] = [*reply["outputs"], note(limit)]
        return reply

    def warm_up(self, check):
        """Have a kernel that has imported what this check needs, before a clock runs.

        Raises
        ------
        Ended
        """
        sandbox = self._kernel()
        try:
            sandbox.exchange(sandbox.calls, {"warm_up": check}, seconds=SECONDS_TO_START)
        except Ended as ended:
            self._ends_of_cells += 1
            self.close()
            raise ended

    def calls_for(self, answers):
        """What `grading.running.stand_ins.StandIn` exchanges messages through, after `warm_up`.

        No kernel is started here: a check counts the seconds of a call.

        Parameters
        ----------
        answers : list of int
            The cells to blame where the kernel does not survive a call.
        """

        def exchange(header, arrays=()):
            sandbox = self._sandbox
            if sandbox is None:
                raise Ended(next((self.stopped[n] for n in answers if n in self.stopped), "ended"))
            try:
                # A little longer than the limit over there.
                seconds = self.limits.call_seconds + 1.5
                reply, arrays = sandbox.exchange(sandbox.calls, header, arrays, seconds=seconds)
            except Ended as ended:
                self.blame(answers, str(ended))
                raise
            if reply.get("failed", [None, None])[-1:] == ["did not finish"]:
                # Its thread may go on, and take processor and memory from what comes next.
                self.blame(answers, "did not finish")
                raise Ended("did not finish")
            return reply, arrays

        return exchange

    def blame(self, numbers, reason):
        """Give up the kernel, and these cells for good."""
        self.stopped |= dict.fromkeys(numbers, reason)
        self.close()

    def close(self):
        """End the kernel, if there is one."""
        if self._sandbox:
            self._sandbox.end()
        self._sandbox = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def _definitions_alone(self):
        return self._is_late or self._ends_of_cells > self.limits.restarts

    @property
    def _is_late(self):
        return self._seconds > self.limits.notebook_seconds

    def _kernel(self):
        """A kernel in which all has run that ran before."""
        while self._sandbox is None:
            if self._starts > 4 * self.limits.restarts + len(self.stubs):
                raise Ended("ended the kernel")
            self._starts += 1
            self._sandbox = self._start()
            for number, source in self._ran:
                if number in self.stopped:
                    source = self.stubs.get(number, "")
                elif self._definitions_alone and not self._is_definition(number):
                    continue
                try:
                    self._sandbox.run(source)
                except Ended as ended:
                    self._ends_of_cells += 1
                    self.blame([number], str(ended))
                    break
            else:
                # A stub for what never ran to its end, too.
                with contextlib.suppress(Ended):
                    for number in self.stopped.keys() - {number for number, _ in self._ran}:
                        self._sandbox.run(self.stubs.get(number, ""))
        return self._sandbox

    def _is_definition(self, number):
        cell = self.cells[number]
        if number in self.stubs or cell.get("id") in ALWAYS:
            return True
        if cell.metadata.get("added") and not self._is_late:
            return True
        try:
            body = ast.parse(cell.source).body
        except SyntaxError:
            return False
        kinds = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef
        return all(isinstance(statement, kinds) for statement in body)


def note(text):
    """An output that the grader adds."""
    return {"output_type": "stream", "name": "stderr", "text": text + "\n"}
