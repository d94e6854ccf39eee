"""A command: arguments and stdin in, stdout and success or failure out. It is plain Python and runs natively too."""

import sys


def main(argv: list[str]) -> int:
    greeting = argv[0] if argv else "hello"
    try:
        for line in sys.stdin:
            name = line.rstrip("\n")
            print(f"{greeting}, {name}!")
    except UnicodeDecodeError as error:
        print(f"stdin: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
