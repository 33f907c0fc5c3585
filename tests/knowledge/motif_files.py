"""Small motif files in every format that kgnn reads, and damage to them."""

from __future__ import annotations

MEME = """MEME version 4

ALPHABET= ACGT

strands: + -

Background letter frequencies
A 0.3 C 0.2 G 0.2 T 0.3

MOTIF MX1.1 Ahr::Arnt
letter-probability matrix: alength= 4 w= 3 nsites= 8 E= 0
 0.125000  0.375000  0.500000  0.000000
 0.000000  1.000000  0.000000  0.000000
 0.250000  0.250000  0.250000  0.250000
URL http://localhost/MX1.1

MOTIF MX2.1
letter-probability matrix: alength= 4 w= 2 nsites= 1 E= 0
 0.1  0.2  0.3  0.4
 0.7  0.1  0.1  0.1
"""
JASPAR = """>MX1.1\tAhr::Arnt
A  [ 1  0 20 ]
C  [ 3  8 20 ]
G  [ 4  0 20 ]
T  [ 0  0 20 ]
>MX2.1 SRF
A [10 0]
C [ 0 0]
G [ 0 5]
T [ 0 5]
"""
ROWS = """>MX1.1\tAhr::Arnt
1 0 20
3 8 20
4 0 20
0 0 20
>MX2.1\tSRF
10 0
0 0
0 5
0 5
"""
HOCOMOCO = """>ANDR_HUMAN.H11MO.0.A
1.0\t3.0\t4.0\t0.0
0.0\t8.0\t0.0\t0.0
20.0\t20.0\t20.0\t20.0
>SRF_MOUSE.H11MO.0.A
10.5\t0.0\t0.0\t0.0
0.0\t0.0\t5.0\t5.0
"""
CISBP = """TF\tT0001_1.02
TF Name\tTFAP2E
Gene\tENSG0
Motif\tM0085_1.02
Family\tAP-2
Species\tMus_musculus
Pos\tA\tC\tG\tT
1\t0.1\t0.2\t0.3\t0.4
2\t0.7\t0.1\t0.1\t0.1

TF\tT0002_1.02
TF Name\tSRF
Motif\tM0086_1.02
Species\tHomo_sapiens
Pos\tA\tC\tG\tT

TF\tT0003_1.02
TF Name\tTBP
Motif\tM0087_1.02
Pos\tA\tC\tG\tT
1\t0.7\t0.1\t0.1\t0.1
"""
TRANSFAC = """AC M00001
XX
ID V$MYOD_01
XX
NA MyoD
BF T00526; MyoD; Species: mouse, Mus musculus.
XX
P0      A      C      G      T
01      1      3      4      0      N
02      0      8      0      0      C
03     20     20     20     20      N
XX
//
AC M00002
XX
P0      A      C      G      T
01     10      0      0      0      A
02      0      0      5      5      K
XX
//
"""
FILES = {
    "meme": MEME,
    "jaspar": JASPAR,
    "rows": ROWS,
    "hocomoco": HOCOMOCO,
    "cisbp": CISBP,
    "transfac": TRANSFAC,
}
