"""The gateway under every fault: the matrix, the soak, and kill -9.

python -m tests.matrix          every fault x phase x transport, as a table (make matrix)
python -m tests.matrix.soak     random faults from a seed (make soak)
"""
