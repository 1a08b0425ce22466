"""What shops write, in the languages they write it in: patterns over short visible texts, and nothing else.

In: nothing. Out: compiled patterns, all case-blind. Never judges: `visible_price`, `visible_stock` and `block` do.
"""

from __future__ import annotations

import re


def _any(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.I)


BUY = _any(
    r"\badd(?: item| product)? to (?:(?:my|your|shopping|the) )*(?:cart|bag|basket|trolley|order|tote)\b",
    r"\bput in (?:cart|bag|basket)\b",
    r"^\s*(?:buy|buy now|buy it now|add|purchase|order now|shop now|reserve)\s*!?$",
    r"\bbuy (?:now|it now|this)\b|^\s*order\s*$|\badd to\s*$|^\s*add for\b|\badd\s+[•·|-]\s",
    r"in den (?:waren|einkaufs)?korb|in (?:die|meine) (?:einkaufs)?tasche|in den einkaufswagen|jetzt kaufen",
    r"^\s*(?:kaufen|bestellen)\s*$",
    r"ajouter (?:au|à mon|à votre|à la|dans le|le) ?(?:panier|sac|caddie|produit)|\bacheter\b",
    r"ajout(?:er)? panier",
    r"(?:a[ñn]adir|agregar|adicionar|poner|meter) (?:al?|a la|en la|a mi|ao|à|na|no)? ?(?:carr\w*|"
    r"cesta|bolsa|cesto|sacola)",
    r"comprar(?: ahora| ya| agora)?\s*$|colocar (?:na sacola|no carrinho)",
    r"aggiungi al(?:la)? (?:carrello|borsa|shopping)|\bacquista\b|metti nel carrello",
    r"in (?:mijn )?winkel(?:wagen|mand|tas)|voeg toe aan|toevoegen aan|bestel nu|do (?:koszyka|torby)",
    r"dodaj (?:do|u|v)\b|kup teraz|\bkoupit\b|\bkúpiť\b|megveszem|megrendelem|v košarico|u košaricu|u korpu",
    r"į krepšelį|ielikt grozā|pirkt|lisa (?:ostu?)?korvi|í körfu|"
    r"pievienot groz|afeg\w+ a la cistella|engadir ao carriño|saskira gehitu|shto në shportë|კალათაში|"
    r"\bкупи\b|הוסף לסל|הוספה לסל|לסל הקניות|افزودن به سبد",
    r"\bl[äa]gg (?:i|till)|i (?:varukorg|kundvagn|shoppingbag)|^\s*köp\w*\s*$",
    r"l(?:æ|ä)g(?:g)? i (?:kurv|handlekurv)|(?:tilføj|legg) (?:til )?i?|^\s*kjøp\s*$|osta nyt",
    r"lisää (?:ostos)?kori|do ko[šs][ií]k[ua]|přidat do|vlo[žz]i[tť] do|kosárba|adaug[ăa] [îi]n co[șs]",
    r"в корзину|купить|до кошика|купити|добави в|sepete ekle|sat[ıi]n al|στο καλάθι|αγορά",
        r"カートに(?:入れる|追加)|買い物かごに|かごに入れる|カートへ|バッグに(?:入れる|追加)|購入(?:する|"
        r"手続き)|加入(?:购物车|購物車|购物袋|購物袋)|立即购买|立即購買",
    r"장바구니|구매하기|바로구매|أضف (?:إلى|الى)|thêm vào giỏ|mua ngay|หยิบใส่|ใส่ตะกร้า|เพิ่มลง|tambah(?:kan)? ke",
    r"beli sekarang",
)  # fmt: skip
CART = _any(
    r"\b(?:cart|bag|basket|trolley|tote)\b|warenkorb|einkaufs(?:wagen|korb)|panier|carrito|cesta|carrinho|sacola",
    r"carrello|winkel(?:wagen|mand)|koszyk|ko[šs][ií]k|kosár|co[șs]|корзин|кошик|sepet|καλάθι|カート|かご|购物车|購物車",
    r"장바구니|varukorg|kundvagn|kurv|ostoskori|košaric|krepšel|grozā|ostukorv",
)  # fmt: skip
NO_PRODUCT_NAME = re.compile(
    r"^\W*(?:(?:your |my |the )?(?:shopping )?(?:cart|bag|basket)|check ?out|log ?in|sign ?in|"
    r"register|create an account|my account|account|(?:my |your )?(?:wish ?list|favou?rites|saved items)|"
    r"merkliste|wunschliste|(?:mes )?favoris|"
    r"lista de deseos|(?:i miei )?preferiti|verlanglijst|ulubione|önskelista|ønskeliste|oblíbené|избранное|お気に入り|"
    r"search(?: results)?.*|results for.*|"
    r"order (?:status|confirmation)|contact(?: us)?|about(?: us)?|faqs?|404.*|(?:page )?not found.*|"
    r"oops.*|error.*|store locator|find a store|warenkorb|mein konto|anmelden|suche.*|"
    r"suchergebnisse.*|seite nicht gefunden|panier|mon panier|mon compte|connexion|recherche.*|"
    r"carrito.*|mi cuenta|iniciar sesi[óo]n|carrello|accedi|winkelwagen|koszyk|zaloguj.*|varukorg|"
    r"kurv|kundekurv|privacy policy|terms.*|shipping.*|returns.*|newsletter.*|home|blog|news|"
    r"gift guide.*|order now|order (?:received|complete|confirmed).*|thank you(?: for your order)?.*|vielen dank.*|"
    r"(?:product )?compar(?:e|ison)(?: products)?|produktvergleich|vergleich(?:sliste)?|comparaison.*|"
    r"comparateur.*|comparador.*|compara(?:ci[óo]n|r)?(?: de)? produ[ct]\w+|confront[oa](?: prodotti)?|"
    r"vergelijk\w*(?: producten)?|por[óo]wn\w+(?: produkt\w+)?|сравнение.*|jämför\w*|porovn\w+.*|商品比較)\W*$",
    re.I,
)
LISTING = _any(
    r"\b(?:items?|showing|products?|results?|viewing|displaying)\s*:?\s*\d+\s*(?:-|–|"
    r"to)\s*\d+\s*(?:of|/|from|out of)\s*\d+",
    r"^\s*sort(?:ed)? by\b",
    r"^\s*[1-9]\d*\s*(?:products?|items?|results?|styles|artikel|produkte|produits|articles|productos|"
    r"artículos|prodotti|produkty)\b(?!.*(?:cart|basket|bag|warenkorb|panier|total))",
    r"showing all \d+|showing the single result",
    r"\d+\s*-\s*\d+ (?:of|von|de|di|sur|z) \d+ (?:products|items|results|artikel|produ)|sortieren nach",
    r"trier par|ordenar por|ordina per|sorteer|sortuj|sortera|products? per page|items per page|並び替え|件中",
)  # fmt: skip
SOLD_OUT = _any(
    r"brak na stanie|brak w sprzedaży|chwilowo brak|ikke på lager|ej på lager|slut i lager",
    r"inte i lager|tillfälligt slut",
    r"momenteel niet|momentan nicht|zur ?zeit nicht|nincs (?:raktáron|készleten)|nu este [îi]n stoc|stokta yok",
    r"нет на складе",
    r"отсутствует|není skladem|nie je skladom|nedostupn\w+|vypredan\w+|rasprodano|ei varastossa",
    r"ikke tilgængelig|sin stock|loppu(?:nut)? varastosta|bu ürün tükendi|"
    r"pole laos|nėra sandėlyje|nav noliktavā",
    r"\bsold[ -]?out\b|\bout[ -]of[ -]stock\b|\b(?:currently|temporarily|no longer|not) (?:un)?available\b",
    r"^\s*unavailable\b|currently unavailable|\bnot in stock\b|item is no longer|\bno stock\b",
    r"\bausverkauft\b|nicht (?:mehr )?(?:lieferbar|verfügbar|auf lager|vorrätig)|\bvergriffen\b",
    r"derzeit nicht|\b[ée]puis[ée]+\b|rupture (?:de|du) stock|\ben rupture\b|(?:non|pas|plus) disponible",
    r"\bindisponible\b|\bagotado\b|sin (?:stock|existencias)|no disponible|fuera de stock|\besgotado\b",
    r"indispon[íi]vel|fora de estoque|sem estoque|\besaurito\b|non disponibile|\buitverkocht\b",
    r"niet (?:op voorraad|beschikbaar|leverbaar)|wyprzedan\w+|niedostępn\w+|brak (?:w magazynie|towaru)",
    r"\bslut(?:såld)?\b(?: i lager)?|ej i lager|udsolgt|utsolgt|loppuunmyyty|vyprod[aá]n\w*|nen[ií] skladem",
    r"elfogyott|stoc epuizat|нет в наличии|распродан\w*|немає в наявності|t[üu]kendi|εξαντλ|売り切れ|完売",
    r"在庫切れ|在庫なし|品切れ|SOLD OUT|售罄|缺货|缺貨|無庫存|已售完|补货中|품절|매진|hết hàng",
)  # fmt: skip
GONE = _any(
    r"^\W*(?:sorry,? )?(?:this|the) (?:product|item|article|style) (?:is|has been) (?:currently |temporarily |now )?"
    r"(?:unavailable|not available|no longer available|sold out|out of stock|discontinued)\b[^.]{0,30}[.!]?$",
    r"^\W*(?:dieses?r? (?:artikel|produkt)|der artikel|das produkt) ist (?:zur ?zeit |derzeit |momentan |leider )*"
    r"(?:nicht (?:mehr )?(?:verfügbar|lieferbar|erhältlich)|ausverkauft|vergriffen)[.!]?$",
    r"^\W*(?:ce (?:produit|modèle)|cet article) (?:est (?:actuellement |momentanément )?(?:indisponible|épuisé)|"
    r"n['’]est (?:actuellement )?(?:plus|pas) disponible)[.!]?$",
    r"^\W*(?:este|el) (?:producto|artículo) (?:(?:ya )?no está (?:actualmente )?disponible|está agotado)[.!]?$",
    r"^\W*questo (?:prodotto|articolo) (?:non è (?:attualmente |più )*disponibile|è (?:al momento )?esaurito)[.!]?$",
    r"^\W*este produto (?:está (?:atualmente |no momento )?(?:indisponível|esgotado)|não está disponível)[.!]?$",
    r"^\W*dit (?:product|artikel) is (?:momenteel |tijdelijk )?"
    r"(?:niet (?:meer )?(?:leverbaar|beschikbaar)|uitverkocht)[.!]?$",
)  # fmt: skip
TELL_ME = _any(
    r"\b(?:notify|email|e-mail|alert|tell|text) me\b|notify when|back in stock|join (?:the )?wait|waitlist",
    r"benachrichtig|me prévenir|prévenez-moi|m'alerter|alerte stock|av[íi]same|notif[íi]ca(?:me|rme)",
    r"avise-me|avvisami|powiadom|再入荷|\bbevaka\b|hlídat|varsle meg|giv mig besked|gelince haber|értesít|"
    r"ilmoita minulle",
    r"сообщить о|уведомить|повідомити|notifícame|tenir au courant|houd me op de hoogte|재입고|到货通知|到貨通知",
)  # fmt: skip
PRE_ORDER = _any(
    r"\bpre-?order\b|\bpre order\b|vorbestell|pr[ée]-?command|precommande|reserva(?:r)? ahora|\bpreventa\b",
    r"pr[ée]-venda|preordina|予約(?:する|受付|商品)|przedsprzeda",
)  # fmt: skip
BACK_ORDER = _any(
    r"\bback-?order|available on back|nachbestell|sobre pedido|sur commande|na zamówienie",
)  # fmt: skip
COMING = _any(
    r"^\s*coming soon|bient[ôo]t disponible|demn[äa]chst (?:verfügbar|erhältlich)|pr[óo]ximamente",
)  # fmt: skip
IN_STOCK = _any(
    r"\bin stock\b|\binstock\b|\b(?:only )?\d+ (?:left|in stock|available|remaining)\b",
    r"^\s*available\s*[!.]?$|ready to ship|\bships (?:today|within|in \d|from)|in stock and ready",
    r"availability:?\s*available|left in stock|sofort (?:lieferbar|verfügbar|versandfertig)|\blieferbar\b",
    r"\bauf lager\b|vorrätig|lieferzeit:? *(?:ca\.? )?\d|\ben stock\b|\bdisponible\b",
    r"exp[ée]di[ée] (?:sous|en)|\ben existencia\b|hay existencias|em estoque|\bdisponível\b|pronta entrega",
    r"\bdisponibile\b|op voorraad|w magazynie|dostępn[yae]\b|\bi lager\b|p[åa] lager|varastossa|\bskladem\b",
    r"raktáron|în stoc|в наличии|є в наявності|stokta|διαθέσιμο|在庫あり|在庫有|在庫:?\s*[○◎]|有货|现货|現貨|재고\s?있",
)  # fmt: skip
RELATED = _any(
    r"completa (?:il|el|tu) |complétez|complete o look|komplettier|vervollständig|maak je look|dokończ styl",
    r"^popularne|^popular$|^beliebte? |^populaire|misschien ook|ook leuk|meistverkauft|^bestsell",
    r"^más vendidos|^meest verkocht|^top ?sell|^andere kunden|^weitere ",
    r"\b(?:related|similar|recommended|complementary|matching|other|more) (?:products?|items?|styles?|"
    r"articles?|goods)\b",
    r"(?:you(?:'|’)?(?: ?(?:may|might|will|ll|d))? (?:also )?(?:like|love|enjoy|need|be interested)|"
    r"also bought|also viewed|also like|also purchased)",
    r"recently viewed|recent(?:ly)? (?:browsed|seen)|viewed (?:items|products)|customers (?:who|also)",
    r"people also|frequently bought|bought together|complete (?:the|your) (?:look|outfit)|shop the look",
    r"wear (?:it )?with|pairs (?:well|perfectly)|goes (?:well )?with|style (?:it )?with|best ?sellers",
    r"new arrivals|more from|more in this|you recently|recommend(?:ed|ations)|trending",
    r"popular (?:products|items|right now)|featured products|accessories for",
    r"(?:das )?könnte (?:ihnen|dir|euch|sie|dich) (?:auch )?(?:gefallen|interessieren)",
    r"ähnliche (?:produkte|artikel)|kunden (?:kauften|haben)|zuletzt (?:angesehen|gesehen)|passend dazu",
    r"dazu passt|wird oft zusammen|vous aimerez|vous pourriez",
    r"produits? (?:similaires?|associés?|complémentaires?|li[ée]s|apparent[ée]s)|dans la même catégorie",
    r"derniers? (?:produits )?(?:vus|consultés)|les clients qui|articles similaires|autres produits",
    r"también te|te puede (?:gustar|interesar)|productos (?:relacionados|similares|vistos)",
    r"art[íi]culos relacionados|otros productos|quienes vieron|clientes que",
    r"produtos (?:relacionados|similares)|você também|quem (?:viu|comprou)|aproveite também|veja também",
    r"prodotti (?:correlati|simili)|potrebbe(?:ro)? (?:anche )?(?:piacer|interessar)|visti di recente",
    r"chi ha (?:visto|acquistato)|gerelateerde|vergelijkbare|anderen bekeken|ook interessant|laatst bekeken",
    r"bijpassende|podobne produkty|polecane|powiązane|klienci (?:kupili|oglądali)",
    r"ostatnio (?:oglądane|przeglądane)|zobacz (?:też|także|również)|liknande|relaterade",
    r"andra (?:köpte|tittade)|rekommendera|senast (?:visade|besökta)|lignende|andre (?:købte|kjøpte)",
    r"relaterte|relaterede|související|podobn[ée]|hasonló|produse (?:similare|asem)|с этим товаром",
    r"похожие товары|рекомендуем|вы (?:смотрели|недавно)|benzer ürünler|σχετικά προϊόντα|関連商品|おすすめ商品",
        r"最近(?:見た|チェック)|この商品を(?:買った|見た|チェック)|こちらもおすすめ|相关(?:产品|商品)|"
        r"猜你喜欢|推薦商品|함께|추천 ?상품",
)  # fmt: skip
OTHER_MONEY = _any(
    r"lägsta pris|laveste pris|laagste prijs|nejnižší|precio m[áa]s bajo|prezzo pi[ùu] basso|menor preço|alin hinta",
    r"\bsav(?:e|ing|ings)\b|\boff\b(?![ -](?:white|shoulder|road|black))|discount|coupon|voucher",
    r"promo ?code|ersparnis|\bsparen\b|sie sparen|du sparst|rabatt|[ée]conomi(?:s|e)|remise|\bahorr",
    r"descuento|\brisparmi|sconto|oszcz[ęe]d|\bspar(?:a)?\b|desconto|economize|shipping|delivery|postage",
    r"freight|handling|versand(?!fertig)|lieferung|livraison|frais de port|env[íi]o|gastos|frete|entrega",
    r"spedizione|verzend|bezorg|dostaw|wysyłk|frakt|fragt|toimitus|送料|運費|运费|배송|payments? of|instal+ment",
    r"per month|/ ?mo(?:nth)?\b|monthly|a month|interest[- ]free|klarna|afterpay|clearpay|\bsezzle",
    r"\baffirm\b|zip ?pay|quad ?pay|laybuy|pay later|in \d+ payments|\bx\s?\d+ payments|apr\b|deposit",
    r"monatlich|mtl\.?|pro monat|\brate[n]?\b|ratenzahlung|finanzier|mensualit|par mois|/ ?mois",
    r"en \d+ ?(?:x|fois)|cuotas?|meses|al mes|parcel|\d+ ?x (?:de|sem)|sem juros|vezes|mensili|al mese",
    r"per maand|raty|rat[ay]\b|miesięcznie|\bmån(?:ad|ed)?\b|分割|月々",
    r"\bper (?:kg|g|100|l|ml|litre|liter|oz|ounce|lb|unit|piece|metre|meter|item|each|pair|count|ct|"
    r"sheet|tablet)\b",
    r"/ ?(?:kg|100|1 ?(?:kg|l)|l\b|ml|oz|lb|fl|each|unit|stk|m²|count|ct\b)|grundpreis|stückpreis|prix au",
    r"precio por|za (?:kg|szt)|pro (?:kg|100|liter|stück)|jmf|100 ?(?:g|ml)|€/|unit price|\bpfand\b",
    r"consigne|éco-?part|eco-?part|\bpoints?\b|rewards?|gift (?:card|wrap)|cash ?back|loyalty|earn",
    r"\bpunkte\b|ポイント|donat|minimum|mindest|over \$|orders? (?:over|of|above)|\bspend\b|d['’]achat",
    r"einkaufswert|bestellwert|a partir de \S+ (?:em compras|de compra)|\bab \S+ (?:versand|bestell)|above",
    r"threshold|powyżej|från \S+ kr frakt|\b(?:for|of) (?:both|all)\b|all (?:three|four|items)|both items",
    r"total price|add both|add all|gesamtpreis für|\bbundle\b|sub-?total|cart total",
    r"your (?:cart|bag|basket)|\bwarenkorb\b(?! legen)|in cart|\d+ items?\b|checkout|zwischensumme",
    r"sous-total|order total|total saving|your total|\btax\b(?! (?:in|ex))|\bvat amount|\binsurance\b",
    r"적립|마일리지|배송비|이상 구매|taksit|üzeri|kargo|szállítás|doprava|részlet|splátk|osamaks|ilmainen toimitus",
    r"warranty|protection plan|trade[- ]in|assembly|installation|engrav|upgrade|add-?on|lowest price",
    r"30[- ](?:day|tage|dni|pv|päivän|dag\w*|giorni|días|jours|nap)|najniższa|niedrigster|prix le plus bas",
)  # fmt: skip
SAVINGS = _any(
    r"\bsav(?:e|ing|ings)\b|\boff\b|discount|ersparnis|sparen|sparst|rabatt|[ée]conomi|remise|ahorr",
    r"descuento|risparmi|sconto|oszcz|desconto|economize|bespaar|\bspar",
)  # fmt: skip
TIER = _any(
    r"\b(?:bronze|silver|gold|platinum|diamond|vip|elite|prime|club|members?(?:hip|'s|s')?|loyalty|"
    r"trade|dealer|reseller|educat\w+|student|teacher)[ -](?:member )?pri(?:ce|cing)\b",
    r"\b(?:mitglieder|kunden?karten|händler|club|vip|studenten)-?preis|prix (?:club|membres?|adh[ée]rents?|vip|pro)\b",
    r"precio (?:socios?|club|vip|mayorista)|prezzo (?:soci|club|tesserati)|preço (?:sócio|clube|atacado)|"
    r"(?:leden|club|pas)prijs|cena (?:klubow|dla klub|člensk)\w*|klub\w* cena|(?:medlems|klubb?|plus)pris|jäsenhinta",
    r"klubová cena|členská cena|klub ?ár|会員価格|回员价|会员价|회원가|цена по карте|клубная цена|оптовая цена",
)  # fmt: skip
STRUCK_WORDS = _any(
    r"\bwas\b|\bwere\b|\brrp\b|\bmsrp\b|\bm\.?r\.?p\.?\W*$|\bsrp\b|list price",
    r"(?:original|regular|old|previous|retail|full|usual|compare[d]? (?:at|to)|market|manufacturer\S*|"
    r"suggested|typical|normal|before|non-sale|was) ?(?:price)?:?$",
    r"\bregular price\b|original price|old price|retail price|reg\.|\buvp\b|\bstatt\b|\bvorher\b",
    r"ursprünglich|früher|alter preis",
    r"prix (?:initial|barr[ée]|conseillé|d'origine|normal|de vente conseill)|au lieu de|\bavant\b",
    r"precio (?:anterior|normal|original|regular|de lista)|\bantes\b|\bde:? *$",
    r"eredeti ár|régi ár|původní cena|běžná cena|pôvodná cena|bežná cena|preț (?:vechi|inițial)|eski fiyat|"
    r"piyasa fiyatı|stara cena|senā cena|sena kaina|vana hind|norm(?:aali)?hinta|\bnorm\.\s*$|ovh\b|førpris|"
    r"tidl(?:igere)?\.?|"
    r"старая цена|обычная цена|стара ціна|αρχική τιμή|소비자가",
    r"prezzo (?:originale|iniziale|di listino|precedente|pieno)|\binvece di\b|adviesprijs|\bvan\b *$",
    r"cena (?:regularna|przed|katalogowa|sugerowana)|ord(?:inarie|\.)? ?(?:pris)?|tidigare|\bfør\b|førpris",
        r"veil|\bp\.?v\.?p\.?\b(?= *(?:recomendado|r))|定価|通常価格|メーカー希望|参考価格|原价|原價|市场价|"
        r"정가|reduced from",
    r"marked down from|price reduced",
)  # fmt: skip
FROM_WORDS = _any(
    r"\b(?:from|starting at|starts at|as low as|ab|à partir de|dès|desde|a partir de|a partire da|"
    r"vanaf|od|från|fra|alkaen|от|从)\s*:?\s*$",
)  # fmt: skip
NOT_A_SHOP_PRICE = _any(
    r"per (?:user|seat|night|month|year|person|hour|guest|agent)",
    r"/ ?(?:user|seat|mo|month|yr|year|night|hour|agent)\b|billed (?:annually|monthly|yearly)|a night",
    r"pro nacht|par nuit|por noche|salary|per annum|p\.a\.|/ ?nacht",
)  # fmt: skip
