// lwIP runs without an operating system: nothing to declare.
