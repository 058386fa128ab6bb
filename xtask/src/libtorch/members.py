"""Unpacks some members of a wheel without downloading all of it: members.py REQUIREMENT FOLDER PATTERN...

Options of pip that choose the wheel come on standard input. pip finds it, with its own configuration of index, proxy
and certificates; the members are then read by ranges. What this uses of pip are parts that it does not promise to
keep: where they are gone, or the index serves no ranges, this fails and the caller downloads the wheel whole.
"""
import fnmatch
import io
import sys
import zipfile

from pip._internal.cli.cmdoptions import make_target_python
from pip._internal.commands import create_command
from pip._vendor.packaging.requirements import Requirement

# torch's libraries are a few large members, its headers ten thousand small ones side by side.
AHEAD = 16 << 20


class Remote(io.RawIOBase):
    """A file behind an address, read by ranges."""

    def __init__(self, session, url):
        self.session, self.url, self.at = session, url, 0
        self.size = int(self.answer(0, 0).headers["Content-Range"].rpartition("/")[2])

    def answer(self, first, last):
        # Without the encoding a server may compress, and count ranges in what it compressed.
        headers = {"Range": f"bytes={first}-{last}", "Accept-Encoding": "identity", "Cache-Control": "no-store"}
        answer = self.session.get(self.url, headers=headers)
        if answer.status_code != 206:
            raise SystemExit(f"the index serves no ranges (status {answer.status_code})")
        return answer

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=io.SEEK_SET):
        self.at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.size}[whence]
        return self.at

    def readinto(self, buffer):
        count = min(len(buffer), self.size - self.at)
        if count <= 0:
            return 0
        piece = self.answer(self.at, self.at + count - 1).content
        buffer[: len(piece)] = piece
        self.at += len(piece)
        return len(piece)


def main():
    requirement, folder, patterns = Requirement(sys.argv[1]), sys.argv[2], sys.argv[3:]
    command = create_command("download")
    with command.main_context():
        options, _ = command.parse_args(sys.stdin.read().split() + [str(requirement)])
        session = command.get_default_session(options)
        finder = command._build_package_finder(options, session, target_python=make_target_python(options))
        found = finder.find_best_candidate(requirement.name, requirement.specifier).best_candidate
        if found is None:
            raise SystemExit(f"pip finds no wheel of {requirement} for this platform")
        wheel = zipfile.ZipFile(io.BufferedReader(Remote(session, found.link.url_without_fragment), AHEAD))
        names = [n for n in wheel.namelist() if any(fnmatch.fnmatchcase(n, p) for p in patterns)]
        names.sort(key=lambda name: wheel.getinfo(name).header_offset)
        wheel.extractall(folder, names)


main()
