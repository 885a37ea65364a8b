# the program that the target ships
