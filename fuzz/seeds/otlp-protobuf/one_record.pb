
`


	host.name
eprHF	є*╞>~{WARN*
hello2
user2

name
u0Jлллллллллллллллл