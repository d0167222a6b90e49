/* Store buffers: what "weak" means in the models that include this file.
 *
 * A writer's stores go into a buffer of its own and reach memory (`mem`) later, one at a time, whenever its Drain
 * process says so. The includer defines WORDS (words of shared memory), BUFS (buffers, one for each writer) and
 * K (entries in a buffer); every process that stores has a constant or variable `w`, the index of its buffer, and
 * a scratch byte `j`.
 *
 *   store            any two stores to different words may change places (C11 relaxed, ARM)
 *   store_release    leaves only when all older stores of this writer have left
 *   fence_release    no younger store leaves before all older ones have
 *   load             the writer's own newest store to that word, else memory
 *   fence_full       waits until the buffer is empty (fence(seq_cst), a locked instruction)
 *   membarrier       called by a reader: at that instant the buffer of one writer empties
 *
 * -DTSO makes the buffer strictly first-in first-out (x86).
 *
 * Loads happen in program order. Where the protocol leaves two loads free to change places, the model either
 * chooses the order by chance or has a mutation with the order swapped. A store never overtakes an older load of
 * the same writer. A full buffer is an error of the model (K too small), not a wait: no behaviour is lost.
 */
#define FENCE 127
#define REL 128

byte mem[WORDS];
byte buf_len[BUFS];
byte buf_addr[BUFS * K];
byte buf_val[BUFS * K];

#define ADDR(i) buf_addr[(w) * K + (i)]
#define VAL(i) buf_val[(w) * K + (i)]
#define DRAINED(b) (buf_len[b] == 0)

inline buf_push(a, v)
{
	d_step {
		assert(buf_len[w] < K);
		ADDR(buf_len[w]) = a;
		VAL(buf_len[w]) = v;
		buf_len[w] = buf_len[w] + 1
	}
}

inline store(a, v) { buf_push(a, v) }
inline store_release(a, v) { buf_push(REL | (a), v) }
/* A fence with nothing before it orders nothing. */
inline fence_release()
{
	atomic {
		if
		:: !DRAINED(w) -> buf_push(FENCE, 0)
		:: else
		fi
	}
}
inline fence_full() { DRAINED(w) }

inline load(a, out)
{
	d_step {
		out = mem[a];
		j = 0;
		do
		:: j < buf_len[w] ->
			if
			:: ADDR(j) != FENCE && (ADDR(j) & 127) == (a) -> out = VAL(j)
			:: else
			fi;
			j++
		:: else -> break
		od;
		j = 0
	}
}

inline buf_remove(i)
{
	j = i;
	do
	:: j + 1 < buf_len[w] ->
		ADDR(j) = ADDR(j + 1);
		VAL(j) = VAL(j + 1);
		j++
	:: else -> break
	od;
	buf_len[w] = buf_len[w] - 1;
	ADDR(buf_len[w]) = 0;
	VAL(buf_len[w]) = 0
}

proctype Drain(byte w)
{
	byte i, j;
	bit ok;

end:	do
	:: atomic {
		buf_len[w] > 0 ->
#ifndef TSO
		do
		:: i + 1 < buf_len[w] && ADDR(i + 1) != FENCE -> i++
		:: break
		od;
#endif
		d_step {
			ok = (i == 0) || !(ADDR(i) & REL);
			j = 0;
			do
			:: ok && j < i -> ok = (ADDR(j) & 127) != (ADDR(i) & 127); j++
			:: else -> break
			od;
			if
			:: ok ->
				mem[ADDR(i) & 127] = VAL(i);
				buf_remove(i);
				do
				:: buf_len[w] > 0 && ADDR(0) == FENCE -> buf_remove(0)
				:: else -> break
				od
			:: else
			fi;
			i = 0;
			j = 0;
			ok = 0
		}
	}
	od
}

/* The caller has its own scratch `j`. */
inline membarrier(b)
{
	d_step {
		j = 0;
		do
		:: j < buf_len[b] ->
			if
			:: buf_addr[(b) * K + j] != FENCE -> mem[buf_addr[(b) * K + j] & 127] = buf_val[(b) * K + j]
			:: else
			fi;
			buf_addr[(b) * K + j] = 0;
			buf_val[(b) * K + j] = 0;
			j++
		:: else -> break
		od;
		buf_len[b] = 0;
		j = 0
	}
}
