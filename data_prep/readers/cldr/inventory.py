"""The entities that phrases are made of, as CLDR codes; the most spoken-of first, so that a prefix is a fair sample."""

from __future__ import annotations


def _codes(text: str) -> list[str]:
    return text.split()


TERRITORIES = _codes("""
    US CN IN BR RU JP DE FR GB IT MX ID PK NG BD ET PH EG VN TR IR TH ZA TZ KE KR ES AR CO UA DZ SD IQ PL CA MA SA
    UZ PE MY AO GH YE NP VE MG AU CM CI NE LK BF ML RO MW CL KZ ZM GT EC SY NL SN KH TD SO ZW GN RW BJ TN BE BO CU
    HT DO CZ GR JO PT AZ SE HN AE HU BY TJ AT PG IL CH TG SL LA PY BG LY LB NI KG SV TM SG DK FI CG SK NO OM PS CR
    LR IE CF NZ MR PA KW HR MD GE ER UY BA MN AM JM QA AL LT NA GM BW GA LS MK SI GW LV BH TT EE TL MU CY SZ DJ FJ
    GY BT SB LU ME MT MV CV BN IS BS BZ VU BB WS TO AD MC LI SM PW NR TV VA 002 019 142 150 009 005 003
""")

LANGUAGES = _codes("""
    en zh hi es fr ar bn pt ru ur id de ja sw mr te tr ta vi ko it th gu fa pl uk ro nl el hu cs sv fi da nb he ms
    my km lo ne si ka hy az kk uz mn bg sr hr sk sl lt lv et is ga cy eu ca gl mt sq mk be kn ml pa or as am ti so
    ha yo ig zu xh af rw mg ku ps sd tg tk ky tt eo la sa yi mi sm haw fj to dv bo ug oc br co fy lb gd kw rm sc qu
    ay gn
""")

SCRIPTS = _codes("""
    Latn Cyrl Arab Grek Hebr Deva Beng Thai Jpan Kore Hans Hant Armn Geor Ethi Taml Telu Gujr Guru Khmr Laoo Mymr
    Sinh Tibt Mong Knda Mlym Orya Hira Kana Thaa Cans
""")

CURRENCIES = _codes("""
    USD EUR JPY GBP CNY INR RUB BRL CAD AUD CHF TRY MXN KRW SEK NOK DKK PLN CZK HUF ZAR EGP ILS THB VND IDR PHP ARS
    CLP COP PEN SAR AED NGN KES UAH RON BGN NZD SGD HKD TWD MYR PKR BDT MAD IQD GEL KZT ISK
""")

ZONES = _codes("""
    Europe_Central Europe_Eastern Europe_Western America_Central America_Eastern America_Pacific America_Mountain
    Japan Korea China India Moscow Arabian Australia_Eastern Brasilia Argentina Hong_Kong Israel Iran Africa_Eastern
    Africa_Southern New_Zealand Pakistan Singapore Indochina Alaska Atlantic Chile Colombia Peru
""")

UNITS = _codes("""
    length-kilometer mass-kilogram duration-hour volume-liter length-meter duration-day length-mile duration-minute
    temperature-celsius length-centimeter mass-gram duration-week area-square-meter speed-kilometer-per-hour
    duration-month area-hectare duration-year mass-tonne digital-gigabyte power-kilowatt length-foot
    area-square-kilometer duration-second energy-kilowatt-hour length-inch mass-pound volume-milliliter
    volume-cubic-meter electric-volt electric-ampere power-watt frequency-megahertz energy-calorie energy-joule
    temperature-fahrenheit mass-ounce speed-mile-per-hour volume-gallon length-millimeter length-yard
    digital-megabyte area-acre power-horsepower pressure-bar angle-degree speed-meter-per-second
    length-nautical-mile length-light-year volume-tablespoon volume-teaspoon
""")

PRICED_UNITS = _codes("""
    mass-kilogram volume-liter duration-hour length-kilometer duration-day duration-month length-meter
    duration-minute duration-week mass-gram
""")

FIELDS = _codes("day hour minute week month year second quarter")

WEEKDAYS = [str(day) for day in range(7)]

# Which inventory fills a part; the parts that are not here hold numbers only.
ENTITIES: dict[str, list[str]] = {
    "territory": TERRITORIES,
    "language": LANGUAGES,
    "script": SCRIPTS,
    "currency": CURRENCIES,
    "zone": ZONES,
    "weekday": WEEKDAYS,
    "quantity": UNITS,
    "amount": CURRENCIES,
    "money": CURRENCIES,
    "price": PRICED_UNITS,
    "relative": FIELDS,
    "date_full": WEEKDAYS,
    "date_time": WEEKDAYS,
}
