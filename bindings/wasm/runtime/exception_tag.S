# C++'s kind of exception, which whoever throws and whoever catches refers to.
.tagtype __cpp_exception i32
.globl __cpp_exception
__cpp_exception:
