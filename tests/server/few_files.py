"""The command line of a process that may open few files."""

import resource

FILES = 350

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    from app.__main__ import main

    main()
