/* Two clients race for one session. What is modelled, what is not, and the bounds: docs/MODEL.md.
 *
 *   make check-model          all of it: the model in several sizes, and that each planted fault is found
 *
 * Switches: CONNECTIONS_A, CONNECTIONS_B, SENDS, EVENTS, OUTBOX, WIRE (bounds), BY_ACCEPT (the rule on a `hello` that
 * comes late; it multiplies the states, so not all sizes have it), MUTATE_... (one planted fault each).
 */
#ifndef CONNECTIONS_A
#define CONNECTIONS_A 2 /* that the first client opens; the last one is not cut */
#endif
#ifndef CONNECTIONS_B
#define CONNECTIONS_B 2 /* the second client */
#endif
#ifndef SENDS
#define SENDS 2 /* messages that each client sends */
#endif
#ifndef EVENTS
#define EVENTS 2 /* messages that others send to the session */
#endif
#ifndef OUTBOX
#define OUTBOX 2 /* messages that the outbox holds */
#endif
#ifndef WIRE
#define WIRE 2 /* messages under way on a connection, each direction */
#endif

#define LINES (CONNECTIONS_A + CONNECTIONS_B)
#define OUTGOING (EVENTS + 1)
#define IS_ANSWERED(seq) ((seq) == 1) /* the first message of a client gets a reply, others are only acknowledged */
#define NONE 255
#define A 0
#define B 1
#define CONNECTIONS(client) ((client) == A -> CONNECTIONS_A : CONNECTIONS_B)
#define OWNER(line) ((line) < CONNECTIONS_A -> A : B)
#define MAY_BREAK(line) ((line) != CONNECTIONS_A - 1 && (line) != LINES - 1)
#define MAX(a, b) ((a) > (b) -> (a) : (b))

/* Whose the n-th message of a client is: the second client may be a copy of the first, with its first messages. */
#define AUTHOR(client, n) ((client) == B && (n) > fork -> 1 + B : 1 + A)

mtype:up = {hello, data, ack};
mtype:down = {welcome, event, reply, gap, acked};

/* What a verification has seen, so that a pass is not an empty one. No part of the state: told once, then forgotten. */
c_decl { static char told[32]; };
#define REACHED(n, what) c_code { if (!told[n]) { told[n] = 1; printf("reached: " what "\n"); } }

/* What holds, in words. */
#define CLAIM(what, holds) if :: (holds) :: else -> c_code { printf("violated: " what "\n"); }; assert(false) fi

/* The network. A line is one connection; what was sent on it before it broke may come late, or not at all. */
chan toServer[LINES] = [WIRE] of {mtype:up, byte, byte};         /* hello: token, ack; data: seq, ack; ack: 0, ack */
chan toClient[LINES] = [WIRE] of {mtype:down, byte, byte, byte}; /* welcome: token, last_in; event, reply: seq, re, ack; gap: from, to, ack */
bool left[LINES]; /* the client has given it up */
byte code[LINES]; /* how the server closed it; comes after all that was sent */
#define CUT 1
#define REPLACED 2  /* 4504 */
#define REVOKED 3   /* 4506 */
#define ENDED 4     /* resumed:false; the last word is not told */
#define LAST_WORD 5 /* resumed:false with lost.last_in */

/* The server: its side of a line, and the session. */
mtype:line = {unopened, awaiting, serving, closed};
mtype:line state[LINES] = unopened;
mtype:life = {alive, expired, revoked};
mtype:life life = alive;
byte attached = NONE;
byte current = 1, previous = 0; /* tokens, numbered as they are made; every other one is retired */
byte lastIn, lastOut, confirmed, cursor; /* cursor: up to where the attached connection was sent the outbox */
byte author[SENDS + 1];                  /* who wrote the n-th message that was processed */
byte answers[OUTGOING + 1];              /* what stands at a place of the outbox: see below */
#define EVENT 100
#define DROPPED 101 /* else the seq that a reply answers */
bool isAckDue;
byte eventsLeft = EVENTS;
/* A lone client is neither replaced nor revoked, whatever is lost; but for a hello that it had given up and that came. */
#ifdef BY_ACCEPT
byte accepts, accepted[LINES], newest; /* the order in which connections were accepted; of the one attached last */
#define WAS_LATE false
#define NOTE_LATE skip
#else
bool wasLate;
#define WAS_LATE wasLate
#define NOTE_LATE wasLate = true
#endif
#ifdef MUTATE_ACK_ON_RECEIPT
byte receivedIn, waiting; /* taken, acknowledged, and not processed */
#define ACK receivedIn
#else
#define ACK lastIn
#endif

/* The clients. */
mtype:phase = {offline, greeting, online, stopped};
mtype:phase phase[2] = offline;
byte line[2] = NONE, opened[2];
byte token[2] = 1;
byte last[2], ackSent[2];            /* of the server's messages: processed; told the server */
byte sent[2], next[2], settled[2];   /* of one's own: ever sent; to be sent next on this connection; known as processed */
bool answered[2];                    /* the reply came */
bool toldUnknown[2];                 /* the application knows that all above settled may or may not be processed */
byte fork;

/* ---- The client ------------------------------------------------------------------------------------------------ */

inline forget(me) { /* what is known of a connection that is over */
  line[me] = NONE; next[me] = 0; ackSent[me] = 0
}

inline stop(me) {
  forget(me); phase[me] = stopped; token[me] = 0; last[me] = 0; sent[me] = 0;
#ifndef MUTATE_SILENT_STOP
  toldUnknown[me] = true
#endif
}

/* The server says that it has processed everything up to `upTo`. */
inline settle(me, upTo) {
  n = settled[me] + 1;
  do
  :: n <= (upTo) ->
     CLAIM("nothing is acknowledged that was not sent", n <= sent[me]);
     CLAIM("what is acknowledged was processed, and is the client's own", author[n] == AUTHOR(me, n));
     n++
  :: else -> break
  od;
  settled[me] = MAX(settled[me], upTo); n = 0
}

inline process(me, from, to) { /* the application sees one message, or is told of a gap */
  if
  :: to <= last[me] /* seen: dropped */
  :: else ->
     CLAIM("no hole in what the application sees", from <= last[me] + 1); /* else 4001 */
     last[me] = to
  fi
}

inline takeClosing(me) {
  how = code[line[me]]; code[line[me]] = 0; left[line[me]] = true;
  if
  :: how == CUT -> phase[me] = offline; forget(me)
  :: how == REPLACED ->
     REACHED(1, "a client is told 4504");
     CLAIM("nobody is replaced by himself", opened[1 - me] > 0 || WAS_LATE);
     if :: opened[1 - me] == 0 -> REACHED(0, "a lone client is replaced by a hello of its own that came late") :: else fi;
     stop(me)
  :: how == REVOKED ->
     REACHED(2, "a client is told 4506");
     CLAIM("a retired token revokes the session", life == revoked && attached == NONE);
     stop(me)
  :: how == ENDED -> stop(me)
  :: how == LAST_WORD ->
     REACHED(3, "a client is told what got through before the session expired");
     y = (lastIn < sent[me] -> lastIn : sent[me]); settle(me, y); y = 0; stop(me)
  fi;
  how = 0
}

inline takeWelcome(me) {
  token[me] = x;
  if
#ifndef MUTATE_BLIND_WELCOME
  :: y > sent[me] -> /* another copy of this client has sent under these numbers */
     REACHED(4, "a copy sees from last_in that it is one");
     CLAIM("who is no copy is not taken for one", opened[1 - me] > 0);
     left[line[me]] = true; stop(me)
#endif
  :: else ->
     next[me] = settled[me] + 1; /* may send again what got through */
#ifdef MUTATE_BLIND_WELCOME
     sent[me] = MAX(sent[me], y);
#endif
     settle(me, y);
     phase[me] = online; ackSent[me] = last[me]
  fi
}

proctype Client(byte me) {
  mtype:down what; byte x, y, z, n, how;
end:
  do
  /* connects, and says hello */
  :: atomic { phase[me] == offline && opened[me] < CONNECTIONS(me) ->
       if
       :: true
       :: me == B && opened[B] == 0 && opened[A] > 0 && phase[A] != stopped -> /* comes to life as a copy of A as it is now */
          token[B] = token[A]; last[B] = last[A]; sent[B] = sent[A]; settled[B] = settled[A]; fork = sent[A]
       fi;
       line[me] = me * CONNECTIONS_A + opened[me]; opened[me]++;
       phase[me] = greeting; state[line[me]] = awaiting;
#ifdef BY_ACCEPT
       accepts++; accepted[line[me]] = accepts;
#endif
       toServer[line[me]]!hello, token[me], last[me]
     }
  /* reads */
  :: atomic { line[me] != NONE && nempty(toClient[line[me]]) ->
       toClient[line[me]]?what, x, y, z;
       if
       :: what == welcome ->
          takeWelcome(me);
          if
          :: phase[me] == online -> next[me] = settled[me] + 1 /* what got through is not sent again */
          :: phase[me] == online && next[me] <= settled[me] -> REACHED(5, "a client sends again what got through")
          :: phase[me] == stopped
          fi
       :: what == event -> settle(me, z); process(me, x, x)
       :: what == reply -> settle(me, z); CLAIM("a reply comes to who asked", y <= sent[me] && author[y] == AUTHOR(me, y)); answered[me] = true; process(me, x, x)
       :: what == gap -> REACHED(6, "a client is told of a gap"); settle(me, z); process(me, x, y)
       :: what == acked ->
          settle(me, z);
#ifdef MUTATE_ACK_FOR_ACK
          ackSent[me] = 0
#endif
       fi;
       what = 0; x = 0; y = 0; z = 0
     }
  :: d_step { line[me] != NONE && empty(toClient[line[me]]) && code[line[me]] != 0 -> takeClosing(me) }
  /* sends */
  :: d_step { phase[me] == online && next[me] <= SENDS && nfull(toServer[line[me]]) ->
       toServer[line[me]]!data, next[me], last[me];
       sent[me] = MAX(sent[me], next[me]); next[me]++; ackSent[me] = last[me]
     }
  :: d_step { phase[me] == online && ackSent[me] < last[me] && nfull(toServer[line[me]]) ->
       toServer[line[me]]!ack, 0, last[me]; ackSent[me] = last[me]
     }
  /* gives the connection up: what comes on it is lost, what went out on it may yet arrive */
  :: d_step { line[me] != NONE && MAY_BREAK(line[me]) ->
       if :: phase[me] == greeting && len(toClient[line[me]]) > 0 -> REACHED(7, "a welcome is lost") :: else fi;
       left[line[me]] = true; code[line[me]] = 0;
       do :: len(toClient[line[me]]) > 0 -> toClient[line[me]]?what, x, y, z :: else -> break od;
       what = 0; x = 0; y = 0; z = 0;
       phase[me] = offline; forget(me)
     }
  od
}

/* ---- The server ------------------------------------------------------------------------------------------------ */

inline close(i, why) {
  state[i] = closed;
  if :: left[i] :: else -> code[i] = why fi
}

inline tell(what, x, y, z) { /* on the attached line, which has room */
  toClient[attached]!what, x, y, z
}

/* An acknowledgement of the client. */
inline take(upTo) {
  CLAIM("a client acknowledges only what was sent", upTo <= lastOut); /* else ack.invalid */
  do :: confirmed < upTo -> confirmed++; answers[confirmed] = 0 :: else -> break od
}

/* The session is over: nothing of it matters but the last word. */
inline endSession(how) {
  do :: lastOut > 0 -> answers[lastOut] = 0; lastOut-- :: else -> break od;
  life = how; previous = 0; eventsLeft = 0; cursor = 0; confirmed = 0
}

/* Puts a message into the outbox; a reply always has room. */
inline append(entry) {
  if
  :: entry == EVENT ->
     held = 0; oldest = 0; n = lastOut;
     do
     :: n > confirmed ->
        if :: answers[n] != DROPPED -> held++ :: else fi;
        if :: answers[n] == EVENT -> oldest = n :: else fi;
#ifdef MUTATE_REPLY_DROPPED
        if :: answers[n] != DROPPED -> oldest = n :: else fi;
#endif
        n--
     :: else -> break
     od;
     lastOut++;
     if
     :: held < OUTBOX -> answers[lastOut] = EVENT
     :: held >= OUTBOX && oldest -> answers[lastOut] = EVENT; answers[oldest] = DROPPED
     :: else -> answers[lastOut] = DROPPED
     fi;
     held = 0; oldest = 0; n = 0
  :: else -> lastOut++; answers[lastOut] = entry
  fi
}

inline processMessage(i, seq) { /* one step: the handler, the reply's place, lastIn */
  CLAIM("a message is processed once", author[seq] == 0);
  CLAIM("messages are processed in order", seq == lastIn + 1);
  author[seq] = AUTHOR(OWNER(i), seq);
  lastIn = seq;
  isAckDue = true; /* rides on the reply, if there is one */
  if :: IS_ANSWERED(seq) -> append(seq) :: else fi
}

inline takeMessage(i) {
  CLAIM("only the attached connection has effect", attached == i);
#ifndef MUTATE_NEVER_RETIRED
  previous = 0;
#endif
  take(y);
  if
  :: what == data ->
#ifdef MUTATE_ACK_ON_RECEIPT
     if
     :: x == receivedIn + 1 -> receivedIn = x; waiting = x; isAckDue = true
     :: else -> isAckDue = true
     fi
#else
     if
     :: x == lastIn + 1 -> processMessage(i, x)
     :: x <= lastIn ->
        REACHED(8, "the server drops a duplicate");
#ifdef MUTATE_NO_DEDUP
        processMessage(i, x);
#endif
        isAckDue = true
     :: else -> CLAIM("no number is left out", false) /* else sequence.gap */
     fi
#endif
#ifdef MUTATE_ACK_FOR_ACK
  :: what == ack -> isAckDue = true
#endif
  :: else
  fi
}

inline detach() {
  attached = NONE; isAckDue = false;
#ifndef MUTATE_REPLAY_FROM_SENT
  cursor = 0
#endif
}

inline attach(i, presented, upTo) {
  if
  :: attached != NONE ->
     REACHED(9, "a takeover");
#if defined(MUTATE_QUIET_TAKEOVER)
     state[attached] = closed
#elif !defined(MUTATE_TWO_ATTACHED)
     close(attached, REPLACED)
#endif
  :: else
  fi;
  if :: presented == previous -> REACHED(10, "the previous token resumes, for the welcome was lost") :: else fi;
#ifndef MUTATE_ONE_PHASE
  previous = presented;
#endif
  current++;
  take(upTo);
#ifdef MUTATE_REPLAY_FROM_SENT
  cursor = MAX(cursor, upTo);
#else
  if :: upTo < lastOut -> REACHED(11, "a replay") :: else fi;
  cursor = upTo;
#endif
  attached = i; state[i] = serving; isAckDue = false;
#ifdef BY_ACCEPT
  newest = accepted[i];
#endif
  n = 0; held = 0;
  do
  :: n < LINES -> if :: state[n] == serving -> held++ :: else fi; n++
  :: else -> break
  od;
  CLAIM("one connection when welcome goes out", held == 1);
  n = 0; held = 0;
  if :: left[i] :: else -> tell(welcome, current, ACK, 0) fi
}

inline takeHello(i) {
  if :: left[i] && life == alive -> REACHED(12, "a hello comes that its client has given up"); NOTE_LATE :: else fi;
  if
  :: life != alive -> close(i, (life == expired && x == current -> LAST_WORD : ENDED))
#if defined(BY_ACCEPT)
  :: life == alive && x != current && accepted[i] < newest -> close(i, REPLACED)
  :: life == alive && (x == current || x == previous && accepted[i] > newest) -> attach(i, x, y)
#elif defined(MUTATE_NEVER_RETIRED)
  :: life == alive -> attach(i, x, y)
#else
  :: life == alive && (x == current || x == previous) -> attach(i, x, y)
#endif
  :: else ->
     REACHED(13, "a retired token is used, and the session is revoked");
     CLAIM("nobody revokes his own session", (opened[A] > 0 && opened[B] > 0) || WAS_LATE);
     if :: opened[B] == 0 -> REACHED(20, "a lone client is revoked, for a hello of its own that came late") :: else fi;
     close(i, REVOKED);
#ifndef MUTATE_REUSE_FORGIVEN
     if :: attached != NONE -> close(attached, REVOKED); attached = NONE :: else fi;
     endSession(revoked)
#endif
  fi
}

/* What comes on one line. */
proctype Line(byte i) {
  mtype:up what; byte x, y, n, held, oldest;
end:
  do
  :: d_step { nempty(toServer[i]) ->
       toServer[i]?what, x, y;
       if
       :: state[i] == awaiting -> takeHello(i)
       :: state[i] == serving -> takeMessage(i)
       :: else ->
          if :: attached != NONE -> REACHED(14, "a message of an older connection comes after the new one") :: else fi;
#ifdef MUTATE_NO_FENCE
          if :: attached != NONE && what == data && x == lastIn + 1 -> take(y); processMessage(i, x) :: else fi;
#endif
          skip
       fi;
       what = 0; x = 0; y = 0
     }
  /* The transport is gone, or is held for gone: what was under way to here is lost. */
  :: d_step { (state[i] == serving || state[i] == awaiting) && (left[i] || MAY_BREAK(i)) ->
       do :: len(toServer[i]) > 0 -> toServer[i]?what, x, y :: else -> break od;
       what = 0; x = 0; y = 0;
       if :: attached == i -> detach() :: else fi;
#ifdef MUTATE_ACK_ON_RECEIPT
       waiting = 0;
#endif
       close(i, CUT)
     }
  od
}

proctype Session() {
  byte n, held, oldest, to;
end:
  do
  /* somebody sends the session a message */
  :: d_step { life == alive && eventsLeft > 0 -> eventsLeft--; append(EVENT) }
  /* the outbox goes on: replay and live traffic are one queue */
  :: d_step { attached != NONE && !left[attached] && cursor < lastOut && nfull(toClient[attached]) ->
       n = cursor + 1; to = n;
       if
       :: n <= confirmed -> REACHED(15, "a gap for what another copy had acknowledged"); to = confirmed; tell(gap, n, to, ACK)
       :: n > confirmed && answers[n] == DROPPED ->
          do :: to < lastOut && answers[to + 1] == DROPPED -> to++ :: else -> break od;
#ifndef MUTATE_SILENT_GAP
          tell(gap, n, to, ACK)
#endif
       :: n > confirmed && answers[n] == EVENT -> tell(event, n, 0, ACK)
       :: n > confirmed && answers[n] < EVENT -> tell(reply, n, answers[n], ACK)
       fi;
       cursor = to; isAckDue = false; n = 0; to = 0
     }
  :: d_step { attached != NONE && !left[attached] && isAckDue && nfull(toClient[attached]) ->
#ifndef MUTATE_NO_ACK
       tell(acked, 0, 0, ACK);
#endif
       isAckDue = false
     }
#ifdef MUTATE_ACK_ON_RECEIPT
  :: d_step { attached != NONE && waiting > 0 && life == alive ->
       n = lastIn + 1; author[n] = AUTHOR(OWNER(attached), n); lastIn = n;
       if :: IS_ANSWERED(n) -> append(n) :: else fi;
       if :: lastIn == waiting -> waiting = 0 :: else fi
     }
#endif
  /* ttl_ms after its connection, whenever that is */
  :: d_step { life == alive && attached == NONE -> REACHED(16, "a session expires"); endSession(expired) }
  od
}

/* ---- The end: nothing moves any more ------------------------------------------------------------------------- */

#define DRAINED(me) ((answered[me] || opened[1 - me] > 0) && line[me] == attached && confirmed == lastOut && last[me] == lastOut && settled[me] == SENDS && \
                     lastIn == SENDS && eventsLeft == 0 && current == token[me])
#define HAS_COME_TO_REST(me) (phase[me] == online || phase[me] == stopped || CONNECTIONS(me) == 0)
#define IS_REPORTED(me) (settled[me] == SENDS || toldUnknown[me] || CONNECTIONS(me) == 0)

init {
  byte n;
  atomic {
    run Client(A); run Client(B); run Session();
    do :: n < LINES -> run Line(n); n++ :: else -> break od
  };
  timeout ->
  d_step {
    CLAIM("everybody is online or has stopped", HAS_COME_TO_REST(A) && HAS_COME_TO_REST(B));
    CLAIM("who is online has everything, and the server from him",
          (phase[A] != online || DRAINED(A)) && (phase[B] != online || DRAINED(B)));
    CLAIM("what is not settled is reported unknown", IS_REPORTED(A) && IS_REPORTED(B));
    CLAIM("a session that lives is attached to a client that knows it",
          life != alive || (attached != NONE && phase[OWNER(attached)] == online && line[OWNER(attached)] == attached));
    if
    :: phase[A] == online && opened[A] == CONNECTIONS_A -> REACHED(17, "all is drained after cuts")
    :: phase[A] == online || phase[B] == online -> REACHED(18, "all is drained after the race")
    :: else -> REACHED(19, "nobody has the session at the end")
    fi
  }
}
