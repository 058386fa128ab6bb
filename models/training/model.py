"""The model: one BERT encoder and the heads on its word vectors.

Parameter names are the names in the exported files: `Encoder` keeps those of Hugging Face's BertModel,
`Heads` those that `models/desk-small/heads.safetensors` shows.
"""
import math

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

NER_LABELS = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC"]
NER_GUIDELINES = ["eww", "conll"]
BIO_LABELS = ["O", "B", "I"]
QUOTE_LAYERS = ["source", "cue", "content"]
SENTIMENT_LABELS = ["negative", "neutral", "positive"]
SENTIMENT_SOURCES = ["stance", "newsmtsc", "dse", "seesaw"]
ATTITUDE_LABELS = SENTIMENT_LABELS + ["none"]  # none: the statement does not show what its speaker thinks of the target
CASE_CLASSES = 4
FORBIDDEN = -10_000.0  # a transition score that no sum of others outweighs, and that fp16 can hold

# Distances in words fall into 0 | 1 2 3-4 5-8 9-16 17-32 33-64 >64 after | the same before.
BUCKETS = 17
DISTANCE_LIMITS = [1, 2, 4, 8, 16, 32, 64]


def bucket(distance):
    """Bucket of a signed word distance (tensor of integers)."""
    size = torch.bucketize(distance.abs(), torch.tensor(DISTANCE_LIMITS, device=distance.device)) + 1
    return torch.where(distance == 0, 0, torch.where(distance > 0, size, size + 8))


def span_distance(first, last, other_first, other_last):
    """Signed words from span a to span b: positive when b follows, 0 when they touch the same word."""
    return torch.where(other_first > last, other_first - last, torch.where(other_last < first, other_last - first, 0))


class Embeddings(nn.Module):
    def __init__(self, config):
        super().__init__()
        size = config["hidden_size"]
        self.word_embeddings = nn.Embedding(config["vocab_size"], size)
        self.position_embeddings = nn.Embedding(config["max_position_embeddings"], size)
        self.token_type_embeddings = nn.Embedding(config["type_vocab_size"], size)
        self.LayerNorm = nn.LayerNorm(size, eps=config["layer_norm_eps"])

    def forward(self, ids, types, lengths):
        positions = torch.cat([torch.arange(n, device=ids.device) for n in lengths])
        return self.LayerNorm(self.word_embeddings(ids) + self.position_embeddings(positions) + self.token_type_embeddings(types))


class Projections(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.query, self.key, self.value = nn.Linear(size, size), nn.Linear(size, size), nn.Linear(size, size)


class DenseNorm(nn.Module):
    def __init__(self, inputs, size, eps):
        super().__init__()
        self.dense, self.LayerNorm = nn.Linear(inputs, size), nn.LayerNorm(size, eps=eps)

    def forward(self, x, residual):
        return self.LayerNorm(self.dense(x) + residual)


class Attention(nn.Module):
    def __init__(self, size, heads, eps):
        super().__init__()
        self.heads = heads
        self.self = Projections(size)
        self.output = DenseNorm(size, size, eps)

    def forward(self, x, lengths):
        parts = [p(x).view(len(x), self.heads, -1).split(lengths) for p in (self.self.query, self.self.key, self.self.value)]
        attended = []
        for q, k, v in zip(*parts):
            y = F.scaled_dot_product_attention(*(t.transpose(0, 1)[None] for t in (q, k, v)))
            attended.append(y[0].transpose(0, 1).flatten(1))
        return self.output(torch.cat(attended), x)


class Intermediate(nn.Module):
    def __init__(self, size, inner):
        super().__init__()
        self.dense = nn.Linear(size, inner)


class Layer(nn.Module):
    def __init__(self, config):
        super().__init__()
        size, eps = config["hidden_size"], config["layer_norm_eps"]
        self.attention = Attention(size, config["num_attention_heads"], eps)
        self.intermediate = Intermediate(size, config["intermediate_size"])
        self.output = DenseNorm(config["intermediate_size"], size, eps)

    def forward(self, x, lengths):
        x = self.attention(x, lengths)
        return self.output(F.gelu(self.intermediate.dense(x)), x)


class Layers(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.layer = nn.ModuleList(Layer(config) for _ in range(config["num_hidden_layers"]))


class Encoder(nn.Module):
    """BERT without pooler and without dropout: at one or two passes over the data nothing overfits.

    Windows stand one behind the other without padding: ids and types [wordpieces], lengths the wordpieces per window.
    """

    def __init__(self, config):
        super().__init__()
        self.embeddings = Embeddings(config)
        self.encoder = Layers(config)

    def forward(self, ids, types, lengths):
        x = self.embeddings(ids, types, lengths)
        for layer in self.encoder.layer:
            x = layer(x, lengths)
        return x


def load_base(path, config):
    """The base weights, with its one used token-type row copied to every case class."""
    encoder = Encoder(config)
    state = {k: v for k, v in load_file(path).items() if not k.startswith("pooler.") and k != "embeddings.position_ids"}
    row = state["embeddings.token_type_embeddings.weight"][0]
    state["embeddings.token_type_embeddings.weight"] = row.repeat(CASE_CLASSES, 1) + 0.002 * torch.randn(CASE_CLASSES, len(row))
    encoder.load_state_dict(state)
    return encoder


class Tagger(nn.Module):
    """A linear-chain CRF over BIO tags: emission = linear, transitions learnt, wrong BIO sequences forbidden."""

    def __init__(self, inputs, labels):
        super().__init__()
        count = len(labels)
        self.weight, self.bias = nn.Parameter(torch.randn(count, inputs) * 0.02), nn.Parameter(torch.zeros(count))
        self.transitions, self.start = nn.Parameter(torch.zeros(count, count)), nn.Parameter(torch.zeros(count))
        forbidden = torch.zeros(count, count)
        first = torch.zeros(count)
        for to, label in enumerate(labels):
            if label.startswith("I"):
                first[to] = FORBIDDEN
                allowed = {label, "B" + label[1:]}
                for frm, before in enumerate(labels):
                    if before not in allowed:
                        forbidden[frm, to] = FORBIDDEN
        self.register_buffer("forbidden", forbidden, persistent=False)
        self.register_buffer("forbidden_first", first, persistent=False)

    def emissions(self, x):
        return F.linear(x, self.weight, self.bias)

    def scores(self):
        """Transition scores [from, to] and start scores, constraints included: all that decoding needs."""
        return self.transitions + self.forbidden, self.start + self.forbidden_first


class LogPartition(torch.autograd.Function):
    """Log of the sum over all tag sequences, with its gradient (the marginals) by forward-backward.

    Left to autograd the loop over words costs a tenth of a training step. Scaled as in Rabiner (1989).
    """

    @staticmethod
    def forward(ctx, emissions, mask, transitions, start):
        move = transitions.exp()
        highest = emissions.max(2, keepdim=True).values
        emit, on = (emissions - highest).exp().transpose(0, 1).contiguous(), mask.T[..., None]
        first = start.max(1, keepdim=True).values
        alpha = (start - first).exp() * emit[0]
        scale = alpha.sum(1, keepdim=True)
        alphas, scales = [alpha / scale], [scale]
        for t in range(1, len(emit)):
            alpha = torch.bmm(alphas[-1][:, None], move)[:, 0] * emit[t]
            scale = alpha.sum(1, keepdim=True)
            alphas.append(torch.where(on[t], alpha / scale, alphas[-1]))
            scales.append(scale)
        alphas, scales = torch.stack(alphas), torch.stack(scales)
        ahead = emit / scales  # emission over scale, what beta is multiplied by on its way back
        back = move.transpose(1, 2)
        betas, joined = [torch.ones_like(start)], []
        for t in range(len(emit) - 1, 0, -1):
            message = ahead[t] * betas[-1]
            joined.append(torch.where(on[t], message, 0.0))
            betas.append(torch.where(on[t], torch.bmm(message[:, None], back)[:, 0], betas[-1]))
        marginals = alphas * torch.stack(betas[::-1]) * on
        pairs = torch.zeros_like(move)
        if joined:
            pairs = torch.bmm(alphas[:-1].permute(1, 2, 0), torch.stack(joined[::-1]).transpose(0, 1)) * move
        ctx.save_for_backward(marginals.transpose(0, 1), pairs, marginals[0])
        return ((scales.log()[..., 0] + highest[..., 0].T) * mask.T).sum(0) + first[:, 0]

    @staticmethod
    def backward(ctx, gradient):
        marginals, pairs, first = ctx.saved_tensors
        return marginals * gradient[:, None, None], None, pairs * gradient[:, None, None], first * gradient[:, None]


def crf_loss(emissions, tags, mask, transitions, start):
    """Negative log-likelihood per word. emissions [N,T,K], tags [N,T], mask [N,T], transitions [N,K,K], start [N,K]."""
    emit = emissions.gather(2, tags[..., None])[..., 0]
    rows = torch.arange(len(tags), device=tags.device)[:, None]
    move = transitions[rows, tags[:, :-1], tags[:, 1:]]
    gold = start.gather(1, tags[:, :1])[:, 0] + (emit * mask).sum(1) + (move * mask[:, 1:]).sum(1)
    return (LogPartition.apply(emissions, mask, transitions, start) - gold) / mask.sum(1)


def viterbi(emissions, transitions, start):
    """Best tag sequence of one text; emissions [T,K] of all its words in order."""
    score, back = start + emissions[0], []
    for emission in emissions[1:]:
        best, frm = (score[:, None] + transitions).max(0)
        score = best + emission
        back.append(frm)
    tag = int(score.argmax())
    tags = [tag]
    for frm in reversed(back):
        tag = int(frm[tag])
        tags.append(tag)
    return tags[::-1]


class Biaffine(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.bilinear = nn.Parameter(torch.eye(size) / math.sqrt(size))
        self.distance = nn.Parameter(torch.zeros(BUCKETS))
        self.bias = nn.Parameter(torch.full((1,), -1.0))


class Links(nn.Module):
    """Which source and which content spans belong to a cue: a biaffine score per pair."""

    def __init__(self, inputs, size=128):
        super().__init__()
        self.cue, self.source_span, self.content_span = (nn.Linear(2 * inputs, size) for _ in range(3))
        self.source, self.content = Biaffine(size), Biaffine(size)

    def forward(self, vectors, kind, cues, spans):
        """Scores [cues, spans]; vectors [T,H] of the words, cues and spans [n,2] first and last word."""
        side = {"source": self.source_span, "content": self.content_span}[kind]
        pair = {"source": self.source, "content": self.content}[kind]
        cue = self.cue(vectors[cues].flatten(1))
        span = side(vectors[spans].flatten(1))
        distance = span_distance(cues[:, None, 0], cues[:, None, 1], spans[None, :, 0], spans[None, :, 1])
        return cue @ pair.bilinear @ span.T + pair.distance[bucket(distance)] + pair.bias


class Quotes(nn.Module):
    def __init__(self, size, inner=256):
        super().__init__()
        self.hidden = nn.Linear(size, inner)
        self.source, self.cue, self.content = (Tagger(inner, BIO_LABELS) for _ in QUOTE_LAYERS)
        self.link = Links(size)


class TargetAttention(nn.Module):
    """Attention from the mean of a target's word vectors over the words of a scope.

    The scope of a mention is its sentence and the one before. The scope of an attitude is the statement, and the target
    may stand outside it.
    """

    def __init__(self, size, heads=6, hidden=384):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(size, size) for _ in range(3))
        self.position_bias = nn.Parameter(torch.zeros(heads, BUCKETS))
        self.hidden = nn.Linear(2 * size, hidden)

    def forward(self, words, scope, first, last, dropout=0.0):
        """words [N,L,H] of each target's scope, scope [N,L] true where a word is, first/last target word -> [N,hidden]."""
        n, length, size = words.shape
        index = torch.arange(length, device=words.device)[None]
        inside = (index >= first[:, None]) & (index <= last[:, None])
        target = (words * inside[..., None]).sum(1) / inside.sum(1, keepdim=True)
        split = lambda x: x.view(n, -1, self.heads, size // self.heads).transpose(1, 2)
        q, k, v = split(self.query(target)), split(self.key(words)), split(self.value(words))
        distance = torch.where(index < first[:, None], index - first[:, None], torch.where(index > last[:, None], index - last[:, None], 0))
        bias = self.position_bias[:, bucket(distance)].transpose(0, 1)
        score = (q @ k.transpose(2, 3))[:, :, 0] / math.sqrt(size // self.heads) + bias
        weight = score.masked_fill(~scope[:, None], -torch.inf).softmax(-1)
        pooled = (weight[:, :, None] @ v)[:, :, 0].reshape(n, size)
        return self.hidden(F.dropout(torch.cat([target, pooled], 1), dropout, self.training))


class Sentiment(TargetAttention):
    """Sentiment toward a mention of a target; one output per source of data."""

    def __init__(self, size, hidden=384):
        super().__init__(size, hidden=hidden)
        self.out = nn.ModuleDict({source: nn.Linear(hidden, len(SENTIMENT_LABELS)) for source in SENTIMENT_SOURCES})

    def forward(self, words, scope, first, last, dropout=0.0):
        """What every output takes, [N,hidden]."""
        return F.dropout(F.gelu(super().forward(words, scope, first, last, dropout)), dropout, self.training)


class Attitude(TargetAttention):
    """What a speaker thinks of a target in a whole statement, or that the statement does not show it.

    It is told whether the speaker is of the target's own side: who explains what he did himself uses other words than
    who accuses.
    """

    def __init__(self, size, hidden=384):
        super().__init__(size, hidden=hidden)
        self.side = nn.Embedding(2, hidden)
        self.out = nn.Linear(hidden, len(ATTITUDE_LABELS))

    def forward(self, words, scope, first, last, own, dropout=0.0):
        """Scores [N,labels]; own [N] is 1 where the speaker is of the target's side, else 0."""
        inner = F.gelu(super().forward(words, scope, first, last, dropout) + self.side(own))
        return self.out(F.dropout(inner, dropout, self.training))


class Heads(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.ner = nn.ModuleDict({guideline: Tagger(size, NER_LABELS) for guideline in NER_GUIDELINES})
        self.quotes = Quotes(size)
        self.sentiment = Sentiment(size)
        self.attitude = Attitude(size)


class Desk(nn.Module):
    def __init__(self, encoder, size):
        super().__init__()
        self.encoder, self.heads = encoder, Heads(size)

    def load(self, state):
        """Takes a checkpoint's weights; one without an attitude head of its own (before 0.3.0) leaves that as it is."""
        own = {f"heads.attitude.{name}": value for name, value in self.heads.attitude.state_dict().items()}
        self.load_state_dict({**own, **{k: v for k, v in state.items() if not k.startswith("heads.sentiment.out.attitude.")}})
