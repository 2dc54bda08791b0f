"""How orders to a language model are worded, as patterns for folded text: lower case, without accents.

A space in a phrase stands for whatever parts two words: spaces, line ends, punctuation, markup. A phrase of
`AT_A_START` counts only where a clause may begin, so that "drivers who ignore the rules" is none.
"""

import re

_CLAUSE = (
    r"(?:^|[.!?:;,…。！？：，、>#*_\"“”„«»(\[|—–\-]|\byou (?:must|should|shall|will|have to|need to|are to)\b)"
    r"\W*(?:(?:please|now|hereby|just|simply|kindly|always|and|also|so|then|first|stop|important|attention|next|"
    r"instead|bitte|por favor|per favore|s'il vous plait|пожалуйста) ){0,3}"
)
_ASIDE = r"(?:ignor(?:e|ing)|disregard(?:ing)?|forget|overrid(?:e|ing)|overrule|bypass|discard|skip|drop|set aside|(?:do not|don.?t|stop) follow(?:ing)?|pay no attention to)"
_TOLD = r"(?:instructions?|rules?|prompts?|directions?|directives?|guidelines?|commands?|orders?|guardrails?|messages?|context|constraints?|training|programming|passages?|articles?|documents?|sources?|text|above|guidance|requirements?|rubric|tasks?|summari[sz]ation|everything|anything|what(?:ever)? (?:you|was|is|has|comes))\b"
_EARLIER = r"(?:previous|prior|preceding|above|earlier|foregoing|former|system|initial|original)"
_REPLY = r"(?:answers?|repl(?:y|ies)|responses?|outputs?|completions?|summar(?:y|ies))"
_MODEL = r"(?:ai|a\.i\.?|artificial intelligences?|llms?|language models?|chat\W?bots?|bots?|(?:chat\W?)?gpt(?:-\w+)?|claude|gemini|copilot|ai (?:assistants?|models?|agents?|systems?|tools?)|assistants?)"
_ONES = r"(?:users?|everyone|everybody|anyone|anybody|whoever|(?:all )?readers?|askers?|humans?|people)"
_ASKED = r"(?:ask(?:s|ed|ing)?|(?:a|the|this|that|any) question|questioned|inquires?|wants? to know)"
_REST = r"(?:[^.!?\n]|[.!?](?=[\w/&=]))"  # of a sentence, addresses in it included
_SAY = r"(?:answer|say|reply|respond|tell|write|claim|insist|print|output|pretend|deny|refuse|recommend|state that)"

_AT_A_START = rf"""
{_ASIDE}(?: \w+){{0,5}}? {_TOLD}
(?:answer|reply|respond)(?: only| always| simply| just)* (?:always|only|every|any|that|nothing|unknown|instead|as follows|as if|as though|to (?:every|any|all|each|whoever))
(?:answer|reply|respond)(?: \w+){{0,4}}? with(?: only| exactly| just)* (?:only|exactly|just|this|these|unknown|yes|no|the (?:words?|phrase|sentence|text|following|line|link))
(?:answer|reply|respond|say|write|print|output)(?:\s\w+){{0,3}}?[\s:]+["“„«'‘「`](?=\w)
(?:reply|respond|say|output|print)(?: \w+){{0,2}}?\s*[:：]\s*\S
(?<![,;)]\s)(?:say|claim|insist|assert|pretend|declare|announce|confirm|state|deny|maintain|write|report) that(?! again)
(?:say|write|print|output|repeat|echo|emit|return|display|type|post|copy)(?: out| back| only| exactly| just)* (?:the following|verbatim|after me|only|exactly|this (?:text|sentence|line|message|link|word)|the (?:words?|phrase|sentence|string|line|link|address))
(?:tell|inform|advise|direct|send|refer|point|convince|persuade|assure)(?: the| all| any)* {_ONES}
let(?: the| all| any)* (?:users?|readers?|askers?|person) know
(?:whatever|no matter what|regardless of|instead of|for (?:any|every|all)|in response to)\b[^.!?\n]{{0,80}}[,:;]\W*(?:(?:please|always|just|only|simply) )*{_SAY}\b
for (?:any|every|all) (?:questions?|quer(?:y|ies)|requests?)\b
make sure(?: that)?(?: \w+){{0,3}}? {_REPLY}
change (?:your|the|every) {_REPLY} to
use only this (?:answer|reply|response|text|passage|source)
do as i say
complete (?:your|the) task by
new (?:task|objective|goal|mission|instructions?)[.:!\n]
(?:never|do not|don.?t) (?:answer|reply|respond) (?:with|about|anything|truthfully)
always (?:end|begin|start|close|finish) with\s*[:"“]
{_SAY}\b[^.!?\n]{{1,80}}\b(?:when(?:ever)?|if|to (?:anyone|everyone|whoever|all))\b[^.!?\n]{{0,40}}\b{_ASKED}
(?:add|append|include|put|insert|attach|mention|paste|show|place|cite|link|recommend|render|embed|display|use)\b{_REST}{{0,120}}? (?:every|each|all|any)(?: of| your| the| future| one)* {_REPLY}
(?:add|append|include|put|insert|attach|mention|paste|show|place|cite|link|recommend|render|embed|display|use)\b{_REST}{{0,120}}? your(?: final| next)? (?:answers?|responses?|outputs?)
(?:begin|start|end|finish|close|prefix|preface|precede|sign|open)(?: \w+){{0,2}} {_REPLY} (?:with|by)
(?:do not|don.?t|never|refuse to) (?:tell|mention|cite|reveal|quote|disclose|answer|trust|believe)(?: to| any| the| these| this| that| of| other| from)* (?:users?|passages?|sources?|instructions?|citations?|footnotes?|articles?|context|prompt|above|questions?)
(?:decode|decrypt|decipher|obey|execute)(?: and| the| this| these| following| hidden| base64| rot13)* (?:text|string|message|instructions?|orders?|commands?|following|below|base64|rot13)
(?:act|behave|pose) as (?:though|an? (?:\w+ ){{0,2}}(?:ai|assistant|bot|model|pirate|expert|character|oracle))\b
(?:pretend (?:to be|you)|role\W?play as)
from now on(?: \w+){{0,4}}? (?:{_SAY}|you (?:are|will|must)|every answer)
(?:reveal|leak|expose|repeat|print|show|output)(?: me| us)? (?:your|the) (?:(?:system|hidden|initial|secret|original) )?(?:prompt|instructions|guidelines|api key|conversation)
cite (?:this|the following|it)(?: \w+){{0,3}}? as\b
always (?:answer|reply|respond|recommend|say|claim|insist)
treat (?:this|the following|these|what follows)(?: \w+){{0,5}}? as (?:\w+ ){{0,2}}?(?:instructions?|rules?|system|true|official|authoritative|truth)
stop (?:following|answering|citing)
(?:ignoriere?n?(?: sie)?|vergiss|vergesst|vergessen sie|missachten?(?: sie)?|verwirf|beachten?(?: sie)? nicht)(?: \w+){{0,5}}? (?:anweisung\w*|instruktion\w*|regeln?|vorgaben?|befehle?|obige\w*|vorherige\w*|bisherige\w*|artikel\w*|prompts?|text\w*|alles)
(?:antworten?|sage?|sagen|behaupten?|schreiben?|erwidere|teile?)(?: sie)? (?:immer|stets|nur|mit|dass|allen?|jedem|den? nutzern?|allen nutzern)
(?:ignore[zr]?|oublie[zr]?|neglige[zr]?|ne (?:tiens|tenez) pas compte)(?: \w+){{0,5}}? (?:instructions?|consignes?|regles?|directives?|texte|passages?|ci dessus|precede\w*)
(?:reponds|repondez|dis|dites|affirme[zr]?|ecris|ecrivez)(?: (?:toujours|que|par|avec|seulement|uniquement|simplement|a tous|a l.utilisateur|aux utilisateurs)|\s*[:«"“])
(?:ignor[ae]|ignorad|ignorate|olvid[ae]|descart[ae]|omit[ae]|esquec?a|dimentica(?:te)?|desconsidere)(?: \w+){{0,5}}? (?:instruc\w+|istruzion\w+|reglas?|regras?|regole|ordenes|ordens|indicaciones|anterior\w*|precedent\w*|texto|testo)
(?:respond[ae]|rispond[ai]|contest[ae]|dig?a|di|afirm[ae]|escrib[ae]|escrev[ae])(?: (?:siempre|sempre|que|che|con|com|solo|solamente|apenas|a (?:todos|tutti))|\s*[:«"“])
(?:negeer|vergeet)(?: \w+){{0,5}}? (?:instructies?|regels?|aanwijzingen|bovenstaande|vorige|tekst)
antwoord (?:altijd|met|dat|alleen)
(?:z?ignoruj|zapomnij|pomin)(?: \w+){{0,5}}? (?:instrukcj\w*|polecen\w*|zasad\w*|powyzsz\w*|poprzedni\w*)
(?:odpowiedz|odpowiadaj|powiedz|napisz) (?:zawsze|ze|tylko|wszystkim)
"""

_ANYWHERE = rf"""
{_ASIDE}(?: (?:all|any|the|your|my|these|those|every|of|each|them))* {_EARLIER}(?: \w+){{0,2}}? {_TOLD}
{_ASIDE}(?: (?:all|any|of|every|each|everything))* (?:your|you|above)(?: \w+){{0,3}}? (?:{_TOLD}|told)
(?:when(?:ever)?|if|every time|each time|any time|should|once)\b[^.!?\n]{{0,60}}\b{_ASKED}\b[^.!?\n]{{0,80}}?(?:[,;:]|\byou (?:must|should|will|shall|have to)\b)\W*(?:(?:please|always|just|only|simply|then|you|must|should|will|instead) )*{_SAY}\b
(?:questions?|quer(?:y|ies))\b[^.!?\n]{{0,80}}\b(?:must|should|shall|are to|is to|has to|have to)(?: always| only)? be answered (?:with|by|as|using)
(?:the|all|your|every) {_REPLY} (?:must|should|shall|has to|have to)(?: always| only)? (?:include|contain|begin|end|mention|say|start|link)
the(?: \w+)? (?:answer|reply|response) to (?:any|every|all|whatever|each)\b
(?:notes?|messages?|instructions?|attention|memo|notice|hint|reminder|directives?|guidance|orders?|commands?|requests?|information) (?:to|for)(?: (?:the|all|any|every|our|your|an?|you))*(?: \w+)? (?:{_MODEL}|(?:answering|retrieval|summari[sz]ing) (?:systems?|engines?|machines?|software))\b
(?:if|since|because|as) you(?: are|.?re)(?: an?| the)?(?: \w+)? {_MODEL}\b
(?:dear|hey|hello|attention|to all|to any|calling all)(?: \w+)? {_MODEL}\b
{_MODEL}\b(?: (?!not)\w+){{0,6}}? (?:must|should|shall|are to|is to|are instructed to|is instructed to|have to|has to|are required to|please)(?: \w+)? (?:answer|say|reply|respond|tell|ignore|disregard|state|recommend|mention|add|include|forget|report|give|treat|quote|claim|write|print|output|enter|follow|obey)\b
you(?: are|.?re)(?: now| no longer| not| actually)*(?: an?| the| in| called| free| bound| my)*(?: \w+){{0,3}}? (?:ai|language model|llm|chat\W?bot|(?:helpful|virtual|unrestricted|obedient|different) \w*|jailbroken|dan|persona|by (?:any|your|the) rules|from (?:any|your|all) (?:rules|restrictions))\b
you are now (?:an?|the|in|called|free|no) (?:\w+ ){{0,2}}?(?:assistant|bot|model|mode|character|pirate|expert|oracle|spokes\w+|parrot)
your (?:new|real|true|actual|only|updated|revised) (?:instructions?|task|role|job|purpose|objective|mission|directives?|rules?|system prompt)
your (?:system prompt|programming|guardrails|training data)
new (?:system )?(?:instructions?|directives?|objective|persona|prompt|task)\s*[:\n]
your (?:goal|task|role|mission|job|objective|purpose|instructions?) (?:has|have)(?: been| now)? (?:changed|updated|replaced)
your {_REPLY} (?:should|must|shall|has to|have to|is to|will) (?:be|say|read|begin|start|end|contain|mention)\b
you (?:must|shall|will)(?: always| only| now)? (?:respond|output|reply|answer) (?:in|with|as|only|to every|to all)
(?:anyone|anybody|whoever|everyone|systems?|machines?|software|programs?)(?: (?:who|that|is|are))* (?:answers?|answering|summari[sz]es?|summari[sz]ing|process(?:es|ing)?)(?: any| all| the)* (?:this|questions?|queries|these)
this (?:page|article|text|document|passage) (?:must|should|has to|is to|may only)(?: always| only)? be (?:summari[sz]ed|answered|quoted|cited|rendered|read|translated|described) (?:as|with|by)
the (?:only|valid|official|expected|accepted)(?: \w+)? (?:answer|reply|response|output)\b
(?:overrides?|supersedes?) (?:all|any|every|previous|prior)(?: \w+){{0,4}}? (?:instructions?|rules?|directives?|passages?|prompts?)
(?:ai|llm|gpt|assistant|chat\W?bot)(?: \w+)? (?:notes?|instructions?|directives?|override)\s*:
new rules?(?: \w+){{0,3}}? (?:you|{_MODEL})\b
new rules?\s*:[^\n]{{0,200}}\b{_SAY}\b
this (?:message|text|instruction|note|passage|document|article)(?: \w+)? (?:overrides?|supersedes?|replaces? (?:all|any|the|your)|takes? precedence|has priority)
(?:do anything now|admin override|system override|override (?:code|protocol)|prompt override)
(?:wenn|falls|sobald)\b[^.!?\n]{{0,80}}\b(?:ge)?frag\w*\b[^\n]{{0,120}}?[,:;] (?:antworten?|sage?|sagen|behaupten?|schreiben?)\b
(?:si|quand|lorsque|se|quando|cuando)\b[^.!?\n]{{0,80}}\b(?:demand\w+|pregunt\w+|pergunt\w+|chied\w+|interrog\w+)\b[^\n]{{0,120}}?[,:;] (?:reponds|repondez|dis|dites|responde|responda|di|diga|rispondi|rispondete|contesta|conteste)\b
(?:an (?:alle|die|jede)|note aux?|nota para(?: las?| los?| todas?)*|внимание) (?:ki|kis|kunstlichen? intelligenz\w*|sprachmodelle?|assistenten|ia|ias|intelligences artificielles|assistants?|asistentes?|ии|нейросет\w+)\b
(?:про)?игнориру\w+(?: \w+){{0,5}}? (?:инструкци\w+|указани\w+|правил\w*|предыдущ\w+|команд\w*|выше\w*)
(?:забудь\w*|не обращай\w* внимания на|отбрось\w*)(?: \w+){{0,5}}? (?:инструкци\w+|указани\w+|правил\w*|предыдущ\w+|команд\w*|выше\w*)
(?:ответь\w*|отвечай\w*|скажи\w*|говори|говорите|напиши\w*|утверждай\w*)(?: (?:всегда|только|всем|пользовател\w+|что)|\s*[:«"“])
(?:ігнору\w+|забудь\w*)(?: \w+){{0,5}}? (?:інструкці\w+|вказівк\w*|правил\w*|попередн\w+)
(?:忽略|无视|無視|忽視|忘记|忘記|不要理会)[^。！？\n]{{0,20}}(?:指令|指示|说明|說明|提示|规则|規則|内容|內容|以上|之前|上述|前面)
(?:请|請|务必|必须|总是|始终|只|并|然后)(?:回答|回复|回覆|告诉|告訴|说|說|输出|輸出)
(?:指示|命令|ルール|指令|規則)[^。！？\n]{{0,15}}(?:無視|忘れ)
と(?:だけ)?(?:答え|回答し|返答し|言っ)(?:て|なさい|てください)
(?:지시|명령|규칙|지침)[^.\n]{{0,15}}(?:무시|잊)
تجاهل[^.\n]{{0,30}}(?:التعليمات|الاوامر|القواعد|الأوامر)
"""

_ON_A_LINE = r"""
(?:system|assistant|ai)(?:[ _-](?:prompt|message|instructions?|note|override|command))?\W{0,3}:(?=\s*$|(?:[^\w\n]*\w+){4})
(?:(?:begin|end|start) )?(?:of )?(?:developer|admin|root|operator) (?:message|instructions?|prompt|override)\b
developer (?:message|instructions?)\W{0,3}:
(?<=[#][#] )(?:instruction|system|response|assistant|human|user|system prompt|new task)\b\s*:?\s*$
(?:begin|end|start)\W+(?:of\W+)?(?:the\W+)?(?:passages?|articles|context|documents|untrusted \w+|system prompt|prompt|instructions)\W*$
(?:answer|reply|response)\W+unknown\W*$
"""

_MARKS = r"""
<\|[^|<>\n]{1,40}\|>?
<<\s*/?\s*sys\w*\b
\{\{[^}\n]{0,60}(?:system|ignore|prompt|instruction)[^}\n]{0,60}\}\}
"role"\s*:\s*"(?:system|assistant|user)"
</?\s*(?:passages?|system|assistant|instructions?|tool_\w+|function_\w+)\b[^>\n]{0,200}>?
</\s*(?:user|prompt|context|documents?|question|sources?)\s*>
<!--(?:(?!-->)[\s\S])*(?:-->)?
\[\s*/?\s*(?:inst|system|sys|assistant)\b[^\]\n]{0,40}\]
\[[^\]\n]{0,40}\]:\s*(?:#|<>)\s*[("']
"""


def _one_of(phrases: str, before: str = "", between: str = r"\\W+") -> re.Pattern[str]:
    lines = [re.sub(r"(?<!\\) ", between, line) for line in phrases.strip().splitlines()]
    return re.compile(rf"{before}(?:{'|'.join(lines)})", re.MULTILINE)


AT_A_START = _one_of(_AT_A_START, before=re.sub(" ", r"\\W+", _CLAUSE))
ANYWHERE = _one_of(_ANYWHERE, before=r"(?<!\w)")
ON_A_LINE = _one_of(_ON_A_LINE, before=r"^\W*", between=" ")
MARKS = _one_of(_MARKS, before=r'(?=[<\["{])', between=" ")
COMPLETE = re.compile(
    rf"\b(?:answer|say|reply|respond|claim|insist|write|print|output|tell\W+(?:the\W+)?{_ONES}\W+that)\b"
    r"(?!\W+(?:only\W+)?(?:this|these|the following|as follows|so)\b)(?:\W+\w+){2}[^\"“”„«»‘'\n]*\Z"
)
"""An order that holds what is to be told, without quotation marks, which may hold several sentences."""
TELLTALE = re.compile("ignore|disregard|instruct|system|answer|reply|respond|previous")
TELLTALE_ROT13 = re.compile(r"\b(?:vtaber|qvfertneq|vafgehpgvbaf?|flfgrz|nafjre|ercyl|erfcbaq|cerivbhf)\b")
"""Of words that no language has but a cipher."""
